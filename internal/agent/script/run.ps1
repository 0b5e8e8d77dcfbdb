# Fetches cartouche-agent, checks it, runs it once and removes it.
# Managed Run Command hands the parameters over by name. Nothing of them gets
# into the argument list of a program that is started here, or into a file.
param([string]$agent_url, [string]$agent_sha256, [string]$agent_input)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # its display makes a download ten times slower

function Complain([int]$code, [string]$text) {
    [Console]::Error.WriteLine("cartouche: $text")
    $script:code = $code
}

$code = 0
$dir = $null

function Work {
    if (-not ($agent_url -and $agent_sha256 -and $agent_input)) {
        Complain 91 'no-parameters: agent_url, agent_sha256 and agent_input did not reach the script'
        return
    }
    try {
        # Only SYSTEM, administrators and whoever runs this may enter.
        $acl = New-Object Security.AccessControl.DirectorySecurity
        $acl.SetAccessRuleProtection($true, $false)
        foreach ($sid in 'S-1-5-18', 'S-1-5-32-544', [Security.Principal.WindowsIdentity]::GetCurrent().User.Value) {
            $who = New-Object Security.Principal.SecurityIdentifier $sid
            $acl.AddAccessRule((New-Object Security.AccessControl.FileSystemAccessRule $who, 'FullControl', 'ContainerInherit,ObjectInherit', 'None', 'Allow'))
        }
        $path = Join-Path ([IO.Path]::GetTempPath()) ('cartouche.' + [Guid]::NewGuid().ToString('N'))
        [void][IO.Directory]::CreateDirectory($path, $acl)
        $script:dir = $path
    }
    catch {
        Complain 92 "disk-full: no folder can be made in $([IO.Path]::GetTempPath()): $($_.Exception.Message)"
        return
    }
    $agent = Join-Path $dir 'cartouche-agent.exe'
    try {
        [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
        Invoke-WebRequest -UseBasicParsing -TimeoutSec 300 -Uri $agent_url -OutFile $agent
    }
    catch {
        # 0x70: ERROR_DISK_FULL
        if (($_.Exception.GetBaseException().HResult -band 0xFFFF) -eq 0x70) {
            Complain 92 "disk-full: $dir does not take the program"
        }
        else {
            Complain 93 "download-refused: $($_.Exception.Message -replace '\s+', ' ')"
        }
        return
    }
    $is = (Get-FileHash -Algorithm SHA256 -LiteralPath $agent).Hash.ToLower()
    if ($is -ne $agent_sha256) {
        Complain 94 "hash-differs: what was fetched has SHA-256 $is, not $agent_sha256; it was not run"
        return
    }
    $env:TEMP = $env:TMP = $dir
    try {
        $ErrorActionPreference = 'Continue' # what a program writes to standard error is no error of the script
        $agent_input | & $agent
        $script:code = $LASTEXITCODE
    }
    catch {
        Complain 95 "not-started: $($_.Exception.Message -replace '\s+', ' ')"
    }
}

try {
    Work
}
finally {
    # A scanner may hold the file for a moment.
    for ($i = 0; $dir -and (Test-Path -LiteralPath $dir) -and $i -lt 20; $i++) {
        if ($i) { Start-Sleep -Milliseconds 250 }
        Remove-Item -LiteralPath $dir -Recurse -Force -ErrorAction SilentlyContinue
    }
}
exit $code
