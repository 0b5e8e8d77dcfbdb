#!/bin/sh
# Makes the files that the tests read, with the tools that people make theirs
# with: OpenSSL 3 (with its legacy provider), keytool of Java 17, NSS (pk12util,
# what Firefox exports with) and BouncyCastle. On Debian:
#
#     apt-get install openssl openjdk-17-jre-headless libnss3-tools libbcprov-java
#
# All certificates are valid for 100 years. The keys and the passwords
# ("cartouche" unless the name of the file or files_test.go says otherwise) are
# for tests and protect nothing.
set -eu
cd "$(dirname "$0")"
out=$PWD
rm -f ./*.pfx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

days=36525
pass=pass:cartouche

# --- authorities and leaves --------------------------------------------------

cat > ca.ext <<X
basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
X
cat > leaf.ext <<X
basicConstraints=critical,CA:false
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth
subjectAltName=DNS:gis.example.com,DNS:maps.example.com
authorityInfoAccess=caIssuers;URI:http://aia.example.com/intermediate.crt
X

key() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" 2>/dev/null; }
issue() { # name, subject, extensions, issuer (none: self-signed)
	if [ $# -eq 3 ]; then
		openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
		openssl x509 -req -in "$1.csr" -signkey "$1.key" -extfile "$3" -days $days -out "$1.crt" 2>/dev/null
	else
		openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
		openssl x509 -req -in "$1.csr" -CA "$4.crt" -CAkey "$4.key" -CAcreateserial -extfile "$3" -days $days -out "$1.crt" 2>/dev/null
	fi
}

for name in root inter leaf leaf2 stranger; do key $name; done
issue root "/O=Cartouche tests/CN=Test Root" ca.ext
issue inter "/O=Cartouche tests/CN=Test Intermediate" ca.ext root
issue leaf "/CN=gis.example.com" leaf.ext inter
issue leaf2 "/CN=other.example.com" leaf.ext inter
issue stranger "/CN=Stranger" ca.ext
cat inter.crt root.crt > chain.pem
cat root.crt inter.crt > reversed.pem

for curve in P-256 P-384 P-521; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:$curve -out ec-$curve.key
	issue ec-$curve "/CN=gis.example.com" leaf.ext inter
done
openssl genpkey -algorithm ED25519 -out ed25519.key
issue ed25519 "/CN=gis.example.com" leaf.ext inter
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out rsa-pss.key 2>/dev/null
issue rsa-pss "/CN=gis.example.com" leaf.ext inter
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out ec-k1.key
issue ec-k1 "/CN=gis.example.com" leaf.ext inter

# --- OpenSSL: encryptions and MACs --------------------------------------------

export_pfx() { # file, options
	file=$1
	shift
	openssl pkcs12 -export -inkey leaf.key -in leaf.crt -certfile chain.pem -passout $pass "$@" -out "$out/$file.pfx"
}

export_pfx aes256
export_pfx mac-sha1 -macalg sha1
export_pfx mac-sha224 -macalg sha224
export_pfx mac-sha384 -macalg sha384
export_pfx mac-sha512 -macalg sha512
export_pfx aes128 -certpbe AES-128-CBC -keypbe AES-128-CBC
export_pfx aes192 -certpbe AES-192-CBC -keypbe AES-192-CBC
export_pfx 3des -legacy -descert -macalg sha1
export_pfx 3des-two-keys -legacy -certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-2DES
export_pfx rc2-40 -legacy
export_pfx rc2-128 -legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-128
export_pfx rc4 -legacy -certpbe PBE-SHA1-RC4-128 -keypbe PBE-SHA1-RC4-128
export_pfx certs-clear -certpbe NONE
export_pfx all-clear -certpbe NONE -keypbe NONE
export_pfx no-mac -nomac
export_pfx no-mac-all-clear -nomac -certpbe NONE -keypbe NONE
export_pfx one-iteration -noiter -nomaciter
export_pfx friendly-name -name "gis 2026"
export_pfx iterations-2m -iter 2000000
export_pfx iterations-900k -iter 900000 -nomaciter

# --- OpenSSL: passwords ---------------------------------------------------------

with_password() { # file, password, options
	file=$1 password=$2
	shift 2
	openssl pkcs12 -export -inkey leaf.key -in leaf.crt -certfile chain.pem -passout "pass:$password" "$@" -out "$out/$file.pfx"
}
with_password password-empty ""
with_password password-empty-3des "" -legacy -descert
with_password password-umlaut "pä✓"
with_password password-umlaut-3des "pä✓" -legacy -descert
with_password password-emoji "map🗺"
with_password password-emoji-3des "map🗺" -legacy -descert

# --- OpenSSL: keys and chains -----------------------------------------------------

for name in ec-P-256 ec-P-384 ec-P-521 ed25519 rsa-pss ec-k1; do
	openssl pkcs12 -export -inkey $name.key -in $name.crt -certfile inter.crt -passout $pass -out "$out/$name.pfx"
done
chain() { # file, options
	file=$1
	shift
	openssl pkcs12 -export -inkey leaf.key -in leaf.crt "$@" -passout $pass -out "$out/$file.pfx"
}
chain chain-reversed -certfile reversed.pem
cat inter.crt inter.crt root.crt inter.crt > duplicated.pem
chain chain-duplicated -certfile duplicated.pem
chain intermediate-missing
chain root-but-no-intermediate -certfile root.crt
cat stranger.crt inter.crt leaf2.crt > strangers.pem
chain strangers -certfile strangers.pem
openssl pkcs12 -export -nocerts -inkey leaf.key -passout $pass -out "$out/key-only.pfx"
openssl pkcs12 -export -nokeys -in leaf.crt -certfile chain.pem -passout $pass -out "$out/certificates-only.pfx"

# --- keytool ----------------------------------------------------------------------

tool() { keytool "$@" -storepass cartouche -noprompt 2>/dev/null; }
import() { # file, alias, source, options
	tool -importkeystore -srckeystore "$out/$3.pfx" -srcstorepass cartouche -srcstoretype PKCS12 -srcalias "$4" -destalias "$2" \
		-destkeystore "$out/$1.pfx" -deststoretype PKCS12 -deststorepass cartouche
}
named() { openssl pkcs12 -export -inkey $1.key -in $1.crt -certfile $2 -name $1 -passout $pass -out "$out/$1-named.pfx"; }
named leaf chain.pem
named leaf2 chain.pem
named inter root.crt

import keytool leaf leaf-named leaf
JAVA_TOOL_OPTIONS=-Dkeystore.pkcs12.legacy import keytool-legacy leaf leaf-named leaf
import keytool-secret-key leaf leaf-named leaf
tool -genseckey -alias secret -keyalg AES -keysize 256 -keystore "$out/keytool-secret-key.pfx" -storetype PKCS12
# The root first, as a trusted certificate; then the key.
tool -importcert -alias aaa -file root.crt -keystore "$out/keytool-leaf-not-first.pfx" -storetype PKCS12
import keytool-leaf-not-first leaf leaf-named leaf
import two-keys leaf leaf-named leaf
import two-keys leaf2 leaf2-named leaf2
import two-keys-one-authority inter inter-named inter
import two-keys-one-authority leaf leaf-named leaf
tool -importkeystore -srckeystore "$out/leaf-named.pfx" -srcstorepass cartouche -srcstoretype PKCS12 \
	-destkeystore "$out/java-key-store.pfx" -deststoretype JKS -deststorepass cartouche

# --- BER: NSS and BouncyCastle ---------------------------------------------------

mkdir nss
certutil -N -d sql:nss --empty-password
pk12util -i "$out/leaf-named.pfx" -d sql:nss -W cartouche >/dev/null
pk12util -o "$out/nss.pfx" -n leaf -d sql:nss -W cartouche >/dev/null
pk12util -o "$out/nss-3des.pfx" -n leaf -d sql:nss -W cartouche -c "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC" \
	-C "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC" >/dev/null
keytool -importkeystore -srckeystore "$out/leaf-named.pfx" -srcstorepass cartouche -srcstoretype PKCS12 -destkeystore "$out/bouncycastle.pfx" \
	-deststoretype PKCS12 -deststorepass cartouche -destprovidername BC -noprompt \
	-providerclass org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath /usr/share/java/bcprov.jar 2>/dev/null
rm "$out/leaf-named.pfx" "$out/leaf2-named.pfx" "$out/inter-named.pfx"

# --- mistaken for a .pfx, and damaged ----------------------------------------------

openssl base64 -in "$out/aes256.pfx" -out "$out/base64.pfx"
{ echo "-----BEGIN PKCS12-----"; openssl base64 -in "$out/aes256.pfx"; echo "-----END PKCS12-----"; } > "$out/armoured.pfx"
cat leaf.key leaf.crt chain.pem > "$out/pem.pfx"
cat leaf.crt chain.pem > "$out/pem-certificates.pfx"
cp leaf.key "$out/pem-key.pfx"
openssl x509 -in leaf.crt -outform DER -out "$out/certificate.pfx"
openssl req -in leaf.csr -outform DER -out "$out/request.pfx"
openssl pkey -in leaf.key -outform DER -out "$out/key.pfx"
openssl crl2pkcs7 -nocrl -certfile leaf.crt -certfile chain.pem -outform DER -out "$out/pkcs7.pfx"
head -c 2000 "$out/aes256.pfx" > "$out/truncated.pfx"
{ cat "$out/aes256.pfx"; echo; } > "$out/trailing-newline.pfx"

# --- for ParseCertificates --------------------------------------------------------

cp root.crt "$out/root.pem"
cat leaf.crt chain.pem > "$out/chain.pem"
openssl crl2pkcs7 -nocrl -certfile leaf.crt -certfile chain.pem -outform DER -out "$out/chain.p7b"
openssl crl2pkcs7 -nocrl -certfile leaf.crt -certfile chain.pem -outform PEM -out "$out/chain.p7b.pem"
