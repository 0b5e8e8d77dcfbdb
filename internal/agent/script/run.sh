#!/bin/sh
# Fetches cartouche-agent and its job, checks the program, runs it once and
# removes both. Managed Run Command hands the parameters over in the environment:
# agent_url, agent_sha256, agent_job, agent_key and, if it is not to run as root,
# agent_user. Nothing of them but the user gets into an argument list, and
# nothing into a file; the job is sealed, and the key is the program's input.
set -u
umask 077
url=${agent_url-} sha256=${agent_sha256-} job=${agent_job-} key=${agent_key-} user=${agent_user-}
unset agent_url agent_sha256 agent_job agent_key agent_user

dir='' child=''
clean() {
	if [ -n "$child" ]; then # it says what became of the job, and ends
		kill "$child" 2>/dev/null
		wait "$child"
	fi
	if [ -n "$dir" ]; then rm -rf "$dir"; fi
}
trap clean EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
end() {
	code=$1
	shift
	echo "cartouche: $*" >&2
	exit "$code"
}

[ -n "$url" ] && [ -n "$sha256" ] && [ -n "$job" ] && [ -n "$key" ] ||
	end 91 'no-parameters: agent_url, agent_sha256, agent_job and agent_key did not reach the script'

# The first folder in which a program may be started (/tmp is often mounted noexec).
for base in "${TMPDIR:-/tmp}" /var/tmp "${HOME:-/tmp}"; do
	dir=$(mktemp -d "$base/cartouche.XXXXXXXX" 2>/dev/null) || continue
	(printf '#!/bin/sh\n' >"$dir/try" && chmod 700 "$dir/try" && "$dir/try") 2>/dev/null && break
	rm -rf "$dir"
	dir=''
done
[ -n "$dir" ] || end 92 "disk-full: no folder takes a program (tried ${TMPDIR:-/tmp}, /var/tmp, ${HOME:-/tmp}): the disk is full, or they are read-only or noexec"

# Azure cancels by SIGKILL to the whole process group (run-command-handler-linux,
# internal/pid), which no trap sees. What removes the folder then is in a session
# of its own; it waits on a pipe that ends when the last of this group has ended.
if command -v setsid >/dev/null && mkfifo "$dir/alive" 2>/dev/null; then
	setsid sh -c 'read -r _ <"$1/alive"; rm -rf "$1"' cartouche "$dir" </dev/null >/dev/null 2>&1 &
	exec 9<>"$dir/alive"
fi

# As another user: root gets the parameters, and runs the program alone as him.
if [ -n "$user" ]; then
	command -v runuser >/dev/null || end 98 'no-such-user: runuser, which would run the program as another user, is not installed'
	runuser -u "$user" -- true 2>"$dir/why" || end 98 "no-such-user: $(head -c 300 "$dir/why" | tr -d '\r' | tr '\n' ' ')"
fi

# fetch ADDRESS FILE. curl: 23 is "write error"; wget: 3 is "file I/O error".
fetch() {
	if command -v curl >/dev/null; then
		printf 'url = "%s"\n' "$1" | curl -fsS --retry 2 --max-time 300 -K - -o "$2" 2>"$dir/why"
		got=$?
		[ "$got" -ne 23 ] || got=full
	elif command -v wget >/dev/null; then
		printf '%s\n' "$1" | wget -q -t 3 -T 60 -i - -O "$2" 2>"$dir/why"
		got=$?
		[ "$got" -ne 3 ] || got=full
	else
		end 93 'download-refused: neither curl nor wget is installed'
	fi
	[ -s "$dir/why" ] || echo "the tool that fetches it ended with exit code $got" >"$dir/why" # wget, when quiet, says nothing
	[ "$got" != full ] || end 92 "disk-full: $dir takes no more than $(wc -c <"$2") bytes of the program"
	[ "$got" = 0 ] || end 93 "download-refused: $(head -c 300 "$dir/why" | tr -d '\r' | tr '\n' ' ')"
}
fetch "$url" "$dir/agent"
is=$(sha256sum "$dir/agent") && is=${is%% *}
[ "$is" = "$sha256" ] || end 94 "hash-differs: what was fetched has SHA-256 $is, not $sha256; it was not run"
fetch "$job" "$dir/job"

# Others may pass through the folder to what they are told the name of: the user
# to the program and the sealed job, the owner of a tool to a file that is lent
# to him. What the program writes goes where everybody has only his own.
chmod 711 "$dir"
chmod 755 "$dir/agent"
chmod 644 "$dir/job"
mkdir "$dir/tmp" && chmod 1777 "$dir/tmp"
set -- "$dir/agent" "$dir/job"
[ -z "$user" ] || set -- runuser -u "$user" -- "$@"
printf '%s\n' "$key" | TMPDIR=$dir/tmp "$@" &
child=$!
wait "$child"
code=$?
child=''
case $code in # sh(1), "Exit status": it could not be executed
126 | 127) end 95 "not-started: this machine does not run the program (exit code $code)" ;;
esac
exit "$code"
