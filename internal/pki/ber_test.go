package pki

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"testing"

	"github.com/cartouche-gis/cartouche/internal/secret"
)

func TestNormaliseBER(t *testing.T) {
	tests := map[string]struct{ ber, der, rest []byte }{
		"der stays":           {ber: unhex("30030201ff"), der: unhex("30030201ff")},
		"indefinite sequence": {ber: unhex("30800201010000"), der: unhex("3003020101")},
		"nested": {
			ber: unhex("3080" + "3080" + "020101" + "0000" + "a080" + "0500" + "0000" + "0000"),
			der: unhex("3009" + "3003" + "020101" + "a002" + "0500"),
		},
		"long form of a short length": {ber: unhex("3082000302" + "0101"), der: unhex("3003020101")},
		"octet string in pieces":      {ber: unhex("24800402abcd0401ef0000"), der: unhex("0403abcdef")},
		"pieces of pieces":            {ber: unhex("240924040402abcd0401ef"), der: unhex("0403abcdef")},
		"what follows":                {ber: unhex("0500" + "0a"), der: unhex("0500"), rest: unhex("0a")},
		"high tag number":             {ber: unhex("bf8701" + "800500" + "0000"), der: unhex("bf8701" + "020500")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			der, rest, err := normaliseBER(test.ber)
			if err != nil || !bytes.Equal(der, test.der) || !bytes.Equal(rest, test.rest) {
				t.Errorf("normaliseBER(%x) = %x, %x, %v; want %x, %x", test.ber, der, rest, err, test.der, test.rest)
			}
		})
	}
}

func TestNormaliseBERRefuses(t *testing.T) {
	tests := map[string]struct {
		ber  []byte
		want error
	}{
		"nothing":                       {nil, errTruncated},
		"no length":                     {unhex("30"), errTruncated},
		"half a length":                 {unhex("3082"), errTruncated},
		"less than declared":            {unhex("300502"), errTruncated},
		"no end of contents":            {unhex("3080020101"), errTruncated},
		"indefinite primitive":          {unhex("04800000"), errBadLength},
		"a length of 2^64":              {unhex("3089010000000000000000"), errBadLength},
		"a number in an octet string":   {unhex("2403020101"), errBadLength},
		"a tag number that never ends":  {unhex("3fffffffff"), errTruncated},
		"more levels than a stack has":  {bytes.Repeat(unhex("3080"), 500_000), errTooDeep},
		"an octet string of a thousand": {bytes.Repeat(unhex("2480"), 1000), errTooDeep},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, _, err := normaliseBER(test.ber); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// toBER is the reverse of normaliseBER: every length indefinite, every octet
// string in pieces of at most seven bytes.
func toBER(t testing.TB, der []byte) []byte {
	t.Helper()
	var out []byte
	for len(der) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(der, &element)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case element.IsCompound:
			out = append(out, element.FullBytes[0], 0x80)
			out = append(out, toBER(t, element.Bytes)...)
			out = append(out, 0, 0)
		case element.Class == asn1.ClassUniversal && element.Tag == asn1.TagOctetString:
			out = append(out, 0x24, 0x80)
			for content := element.Bytes; len(content) > 0; {
				n := min(7, len(content))
				out = appendElement(out, []byte{tagOctetString}, content[:n])
				content = content[n:]
			}
			out = append(out, 0, 0)
		default:
			out = append(out, element.FullBytes...)
		}
		der = rest
	}
	return out
}

func TestAnyPFXCanBeReadAsBER(t *testing.T) {
	for _, file := range []string{"aes256.pfx", "3des.pfx", "all-clear.pfx", "keytool.pfx"} {
		data := toBER(t, readFile(t, file))
		bundle, err := ReadPFX(data, secret.New(usualPassword))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !bundle.Repairs.Has(codeBEREncoding) {
			t.Errorf("%s: repairs %v", file, codes(bundle.Repairs))
		}
	}
}
