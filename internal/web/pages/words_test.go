package pages

import "testing"

func TestTextsOfTheApplicationAreWrittenAsSentences(t *testing.T) {
	t.Parallel()
	for want, texts := range map[string][]string{
		"":                                    {"", ""},
		"The vault is shut.":                  {"the vault is shut"},
		"The vault is shut. Open it?":         {"the vault is shut.", "open it?"},
		"gis.example.com serves it.":          {"gis.example.com serves it"},
		"agw-prod is there.":                  {"agw-prod is there"},
		"vm1 did not answer.":                 {"vm1 did not answer"},
		"Clients' handshakes failed.":         {"clients' handshakes failed"},
		"Interrupted: the old one is back.":   {"interrupted: the old one is back"},
		"/subscriptions/1 may not be read.":   {"/subscriptions/1 may not be read"},
		"Österreich ist gemeint, nicht Wien.": {"österreich ist gemeint, nicht Wien."},
	} {
		if got := Sentences(texts...); got != want {
			t.Errorf("%q: %q, want %q", texts, got, want)
		}
	}
}
