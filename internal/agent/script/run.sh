#!/bin/sh
# Fetches cartouche-agent, checks it, runs it once and removes it.
# Managed Run Command hands agent_url, agent_sha256 and agent_input over in the
# environment. Nothing of them gets into an argument list or into a file.
set -u
umask 077
url=${agent_url-} sha256=${agent_sha256-} input=${agent_input-}
unset agent_url agent_sha256 agent_input

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

[ -n "$url" ] && [ -n "$sha256" ] && [ -n "$input" ] ||
	end 91 'no-parameters: agent_url, agent_sha256 and agent_input did not reach the script; sudo, which Run Command uses to run as another user on Linux, drops them'

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

# curl: 23 is "write error"; wget: 3 is "file I/O error".
if command -v curl >/dev/null; then
	printf 'url = "%s"\n' "$url" | curl -fsS --retry 2 --max-time 300 -K - -o "$dir/agent" 2>"$dir/why"
	got=$?
	[ "$got" -ne 23 ] || got=full
elif command -v wget >/dev/null; then
	printf '%s\n' "$url" | wget -q -t 3 -T 60 -i - -O "$dir/agent" 2>"$dir/why"
	got=$?
	[ "$got" -ne 3 ] || got=full
else
	end 93 'download-refused: neither curl nor wget is installed'
fi
[ "$got" != full ] || end 92 "disk-full: $dir takes no more than $(wc -c <"$dir/agent") bytes of the program"
[ "$got" = 0 ] || end 93 "download-refused: $(head -c 300 "$dir/why" | tr -d '\r' | tr '\n' ' ')"

is=$(sha256sum "$dir/agent") && is=${is%% *}
[ "$is" = "$sha256" ] || end 94 "hash-differs: what was fetched has SHA-256 $is, not $sha256; it was not run"

chmod 700 "$dir/agent"
chmod 711 "$dir" # the owner of a tool gets through to a file that is lent to him
printf '%s\n' "$input" | TMPDIR=$dir "$dir/agent" &
child=$!
wait "$child"
code=$?
child=''
exit "$code"
