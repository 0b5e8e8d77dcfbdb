package pki

// The codes of every finding that this package makes. They are part of the
// JSON that scripts read: never rename one, and give each its row in the
// catalogue below and in docs/findings.md (a test compares the three).
const (
	// Defects: the file cannot be used at all (DefectError).
	codeEmptyFile             = "empty-file"
	codeFileTooLarge          = "file-too-large"
	codePEMNotPFX             = "pem-not-pfx"
	codeCertificateNotPFX     = "certificate-not-pfx"
	codePKCS7NotPFX           = "pkcs7-not-pfx"
	codeKeyNotPFX             = "key-not-pfx"
	codeNotPFX                = "not-pfx"
	codeTruncatedFile         = "truncated-file"
	codeDamagedFile           = "damaged-file"
	codeWrongPassword         = "wrong-password"
	codeTwoPasswords          = "two-passwords"
	codeTooManyIterations     = "too-many-iterations"
	codeUnsupportedEncryption = "unsupported-encryption"
	codeUnsupportedKey        = "unsupported-key"
	codeTooManyCertificates   = "too-many-certificates"
	codeNoKey                 = "no-key"
	codeNoCertificate         = "no-certificate"
	codeKeyMismatch           = "key-mismatch"
	codeSeveralKeys           = "several-keys"

	// Repairs: put right while reading, or while completing the chain.
	codeBase64File          = "base64-file"
	codeBEREncoding         = "ber-encoding"
	codeTrailingBytes       = "trailing-bytes"
	codeNoMAC               = "no-mac"
	codeUnreadableEntry     = "unreadable-certificate"
	codeOtherKeyIgnored     = "other-key-ignored"
	codeSeveralCertificates = "several-certificates-for-key"
	codeLeafNotFirst        = "leaf-not-first"
	codeChainReordered      = "chain-reordered"
	codeDuplicateDropped    = "duplicate-dropped"
	codeStrangerDropped     = "stranger-dropped"
	codeRootIncluded        = "root-included"
	codeIntermediateFetched = "intermediate-fetched"
	codeFetchFailed         = "intermediate-not-fetched"

	// Judgements: about the leaf.
	codeExpired         = "expired"
	codeNotYetValid     = "not-yet-valid"
	codeExpiresSoon     = "expires-soon"
	codeNameNotCovered  = "name-not-covered"
	codeNoServerAuth    = "no-server-authentication"
	codeNoDigitalSign   = "no-digital-signature"
	codeCALeaf          = "ca-certificate"
	codeSelfSigned      = "self-signed"
	codeWeakKey         = "weak-key"
	codeKeyNotAccepted  = "key-not-accepted"
	codeECKey           = "ec-key"
	codeLongLifetime    = "long-lifetime"
	codeTooLargeGateway = "too-large-for-gateway"

	// Judgements: about the chain.
	codePSSSignature        = "rsa-pss-signature"
	codeWeakSignature       = "weak-signature"
	codeChainIncomplete     = "chain-incomplete"
	codeChainInvalid        = "chain-invalid"
	codeChainOutOfOrder     = "chain-out-of-order"
	codeRootNotKnown        = "root-not-known"
	codeIntermediateExpired = "intermediate-expired"
	codeIntermediateSooner  = "intermediate-expires-first"
	codeNothingServed       = "nothing-served"
	codeChainNotSeen        = "chain-not-seen"

	// Judgements: compared with what is served now.
	codeAlreadyServed  = "already-served"
	codeExpiresEarlier = "expires-earlier"
	codeIssuedEarlier  = "issued-earlier"
	codeFewerNames     = "fewer-names"
	codeWeakerKey      = "weaker-key"
	codeIssuerChanged  = "issuer-changed"
)

// catalogue gives every code the severity it has unless a Criteria says
// otherwise. docs/findings.md says what each means and what mends it.
var catalogue = map[string]Severity{
	codeEmptyFile:             Refusal,
	codeFileTooLarge:          Refusal,
	codePEMNotPFX:             Refusal,
	codeCertificateNotPFX:     Refusal,
	codePKCS7NotPFX:           Refusal,
	codeKeyNotPFX:             Refusal,
	codeNotPFX:                Refusal,
	codeTruncatedFile:         Refusal,
	codeDamagedFile:           Refusal,
	codeWrongPassword:         Refusal,
	codeTwoPasswords:          Refusal,
	codeTooManyIterations:     Refusal,
	codeUnsupportedEncryption: Refusal,
	codeUnsupportedKey:        Refusal,
	codeTooManyCertificates:   Refusal,
	codeNoKey:                 Refusal,
	codeNoCertificate:         Refusal,
	codeKeyMismatch:           Refusal,
	codeSeveralKeys:           Refusal,

	codeBase64File:          Note,
	codeBEREncoding:         Note,
	codeTrailingBytes:       Note,
	codeNoMAC:               Warning,
	codeUnreadableEntry:     Warning,
	codeOtherKeyIgnored:     Warning,
	codeSeveralCertificates: Warning,
	codeLeafNotFirst:        Note,
	codeChainReordered:      Note,
	codeDuplicateDropped:    Note,
	codeStrangerDropped:     Note,
	codeRootIncluded:        Note,
	codeIntermediateFetched: Note,
	codeFetchFailed:         Warning,

	codeExpired:         Refusal,
	codeNotYetValid:     Refusal,
	codeExpiresSoon:     Warning,
	codeNameNotCovered:  Refusal,
	codeNoServerAuth:    Refusal,
	codeNoDigitalSign:   Warning,
	codeCALeaf:          Refusal,
	codeSelfSigned:      Refusal,
	codeWeakKey:         Refusal,
	codeKeyNotAccepted:  Refusal,
	codeECKey:           Warning,
	codeLongLifetime:    Note,
	codeTooLargeGateway: Refusal,

	codePSSSignature:        Refusal,
	codeWeakSignature:       Refusal,
	codeChainIncomplete:     Refusal,
	codeChainInvalid:        Refusal,
	codeChainOutOfOrder:     Warning,
	codeRootNotKnown:        Refusal,
	codeIntermediateExpired: Refusal,
	codeIntermediateSooner:  Warning,
	codeNothingServed:       Refusal,
	codeChainNotSeen:        Note,

	codeAlreadyServed:  Note,
	codeExpiresEarlier: Refusal,
	codeIssuedEarlier:  Warning,
	codeFewerNames:     Warning,
	codeWeakerKey:      Refusal,
	codeIssuerChanged:  Note,
}
