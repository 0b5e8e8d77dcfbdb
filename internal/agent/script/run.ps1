# Fetches cartouche-agent and its job, checks the program, runs it once and
# removes both. Managed Run Command hands the parameters over by name, perhaps
# through cmd.exe and into logs of command lines: so the addresses come in base64,
# the job is sealed, and what opens it is good for nothing else.
param([string]$agent_url, [string]$agent_sha256, [string]$agent_job, [string]$agent_key)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # its display makes a download ten times slower

# What is remembered is in a table: whether variables of a script can be reached
# from its functions depends on how the script was started.
$state = @{ code = 0; dir = $null }

function Complain([int]$code, [string]$text) {
    [Console]::Error.WriteLine('cartouche: ' + ($text -replace '\s+', ' '))
    $state.code = $code
}

function Address([string]$encoded) {
    [Text.Encoding]::ASCII.GetString([Convert]::FromBase64String($encoded))
}

function Fetch([string]$address, [string]$file) {
    try {
        Invoke-WebRequest -UseBasicParsing -TimeoutSec 300 -Uri $address -OutFile $file
        return $true
    }
    catch {
        # 0x70: ERROR_DISK_FULL
        if (($_.Exception.GetBaseException().HResult -band 0xFFFF) -eq 0x70) {
            Complain 92 "disk-full: $($state.dir) does not take the program"
        }
        else {
            Complain 93 "download-refused: $($_.Exception.Message)"
        }
        return $false
    }
}

function Remove([string]$dir) {
    # A scanner may hold the file for a moment.
    for ($i = 0; (Test-Path -LiteralPath $dir) -and $i -lt 20; $i++) {
        if ($i) { Start-Sleep -Milliseconds 250 }
        Remove-Item -LiteralPath $dir -Recurse -Force -ErrorAction SilentlyContinue
    }
}

function Work {
    if (-not ($agent_url -and $agent_sha256 -and $agent_job -and $agent_key)) {
        Complain 91 'no-parameters: agent_url, agent_sha256, agent_job and agent_key did not reach the script'
        return
    }
    $temp = [IO.Path]::GetTempPath()
    # What a run left that was killed: no run takes a day.
    Get-ChildItem -LiteralPath $temp -Directory -Filter 'cartouche.*' -ErrorAction SilentlyContinue |
        Where-Object { $_.Name -match '^cartouche\.[0-9a-f]{32}$' -and $_.LastWriteTimeUtc -lt [DateTime]::UtcNow.AddDays(-1) } |
        Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
    try {
        # Only SYSTEM, administrators and whoever runs this may enter.
        $acl = New-Object Security.AccessControl.DirectorySecurity
        $acl.SetAccessRuleProtection($true, $false)
        foreach ($sid in 'S-1-5-18', 'S-1-5-32-544', [Security.Principal.WindowsIdentity]::GetCurrent().User.Value) {
            $who = New-Object Security.Principal.SecurityIdentifier $sid
            $acl.AddAccessRule((New-Object Security.AccessControl.FileSystemAccessRule $who, 'FullControl', 'ContainerInherit,ObjectInherit', 'None', 'Allow'))
        }
        $path = Join-Path $temp ('cartouche.' + [Guid]::NewGuid().ToString('N'))
        [void][IO.Directory]::CreateDirectory($path, $acl)
        $state.dir = $path
    }
    catch {
        Complain 92 "disk-full: no folder can be made in ${temp}: $($_.Exception.Message)"
        return
    }
    $agent = Join-Path $state.dir 'cartouche-agent.exe'
    $job = Join-Path $state.dir 'job'
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    if (-not (Fetch (Address $agent_url) $agent)) { return }
    try {
        $is = (Get-FileHash -Algorithm SHA256 -LiteralPath $agent).Hash.ToLower()
    }
    catch { # a scanner has taken it away
        Complain 95 "not-started: $($_.Exception.Message)"
        return
    }
    if ($is -ne $agent_sha256) {
        Complain 94 "hash-differs: what was fetched has SHA-256 $is, not $agent_sha256; it was not run"
        return
    }
    if (-not (Fetch (Address $agent_job) $job)) { return }
    $env:TEMP = $env:TMP = $state.dir
    try {
        $ErrorActionPreference = 'Continue' # what a program writes to standard error is no error of the script
        $agent_key | & $agent $job
        $state.code = $LASTEXITCODE
    }
    catch {
        Complain 95 "not-started: $($_.Exception.Message)"
    }
}

if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
    # Nothing of the above is allowed then. Source: about_Language_Modes.
    Write-Error -ErrorAction Continue "cartouche: not-started: a policy of this machine lets PowerShell run in $($ExecutionContext.SessionState.LanguageMode) mode only"
    exit 95
}
try {
    Work
}
catch {
    Complain 95 "not-started: $($_.Exception.Message)"
}
finally {
    if ($state.dir) { Remove $state.dir }
}
exit $state.code
