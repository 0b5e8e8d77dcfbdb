package web

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pki"
	"github.com/cartouche-gis/cartouche/internal/reach"
	"github.com/cartouche-gis/cartouche/internal/rollout"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
	"github.com/cartouche-gis/cartouche/internal/web/wizard"
)

// mostDays is the longest that a page lets certificates of machines live: as long
// as the authority that is made for them.
const mostDays = rollout.DefaultRootDays

// replaceBy is what the certificates of machines are replaced by, as far as it
// was said.
type replaceBy struct {
	source rollout.Source
	days   int
	// authority issues when the source is one that was given, from a file that is
	// called authorityFile. It is in memory only.
	authority     *pki.Authority
	authorityFile string
	// bundles are the files of the source .pfx, by what they are for, and
	// bundleFiles what they are called.
	bundles     map[string]*pki.Bundle
	bundleFiles map[string]string

	anew, keepOld, undrained bool
}

// dropSecrets takes away what holds private keys, and what it answered.
func (b *replaceBy) dropSecrets() {
	if b.authority != nil || len(b.bundles) > 0 {
		b.source = ""
	}
	b.authority, b.authorityFile, b.bundles, b.bundleFiles = nil, "", nil, nil
}

// goal is what the application is asked for.
func (b replaceBy) goal(now time.Time) rollout.Goal {
	return rollout.Goal{
		Source: b.source, LeafDays: b.days, Authority: b.authority, Bundles: b.bundles, Now: now,
		Anew: b.anew, KeepOld: b.keepOld, Undrained: b.undrained,
	}
}

// text is the answer in a few words.
func (b replaceBy) text() string {
	if b.authorityFile != "" {
		return "issued by " + b.authorityFile
	}
	if len(b.bundleFiles) > 0 {
		return strings.Join(slices.Sorted(maps.Values(b.bundleFiles)), ", ")
	}
	return app.SourceText(b.source)
}

// productField is where the file for a product is chosen.
type productField struct{ Name, Label, File string }

// productFields are those for the products of a deployment, the last for all that
// have no file of their own.
func productFields(d deployment.Deployment, by replaceBy) []productField {
	var list []productField
	seen := map[machine.Product]bool{}
	for _, m := range reach.Machines(d, nil) {
		for _, c := range m.Components {
			if seen[c.Product] || !c.HasKeystore() && c.Product != machine.DataStore {
				continue
			}
			seen[c.Product] = true
			list = append(list, productField{"pfx-" + string(c.Product), c.Product.Name(), by.bundleFiles[string(c.Product)]})
		}
	}
	return append(list, productField{"pfx-", "All that have no file of their own", by.bundleFiles[""]})
}

// take takes what was typed. The answer says by field what is wrong with it.
func (b *replaceBy) take(form *wizard.Upload, fields []productField) map[string]string {
	wrong := map[string]string{}
	next := replaceBy{
		source: rollout.Source(form.Value("source")), days: rollout.DefaultLeafDays,
		anew: form.Value("anew") != "", keepOld: form.Value("keep-old") != "", undrained: form.Value("undrained") != "",
	}
	if text := form.Value("days"); text != "" && next.source != rollout.FromPFX {
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 || days > mostDays {
			wrong["days"] = "Give a number of days from 1 to " + strconv.Itoa(mostDays) + "."
		}
		next.days = days
	}
	switch next.source {
	case rollout.Fresh:
	case rollout.FromAuthority:
		next.takeAuthority(form, *b, wrong)
	case rollout.FromPFX:
		next.days, next.anew = 0, false
		next.takeFiles(form, *b, fields, wrong)
	default:
		wrong["source"] = "Choose where the certificates come from."
		next.source = ""
	}
	if len(wrong) > 0 {
		next.source = ""
	}
	*b = next
	return wrong
}

// takeAuthority reads the file of an authority; without one, that of before stays.
func (b *replaceBy) takeAuthority(form *wizard.Upload, before replaceBy, wrong map[string]string) {
	file, chosen := form.File("ca")
	if !chosen {
		b.authority, b.authorityFile = before.authority, before.authorityFile
		if b.authority == nil {
			wrong["ca"] = "Choose the file of the authority."
		}
		return
	}
	key, _ := form.File("ca-key")
	authority, err := pki.ReadAuthority(file.Data, key.Data, form.Secret("ca-password"))
	clear(file.Data)
	clear(key.Data)
	switch {
	case app.IsWrongPassword(err):
		wrong["ca-password"] = "This is not the password of " + file.Name + ". Choose the file again and type its password."
	case err != nil:
		wrong["ca"] = unusableFile(file.Name, err)
	default:
		b.authority, b.authorityFile = authority, file.Name
	}
}

// takeFiles reads the .pfx files; those of before stay where none was chosen.
func (b *replaceBy) takeFiles(form *wizard.Upload, before replaceBy, fields []productField, wrong map[string]string) {
	b.bundles, b.bundleFiles = map[string]*pki.Bundle{}, map[string]string{}
	for _, field := range fields {
		product := strings.TrimPrefix(field.Name, "pfx-")
		file, chosen := form.File(field.Name)
		if !chosen {
			if kept := before.bundles[product]; kept != nil {
				b.bundles[product], b.bundleFiles[product] = kept, before.bundleFiles[product]
			}
			continue
		}
		bundle, err := pki.ReadPFX(file.Data, form.Secret("pfx-password"))
		clear(file.Data)
		switch {
		case app.IsWrongPassword(err):
			wrong["pfx-password"] = "This is not the password of " + file.Name + ". Choose that file again and type its password; the others stay."
		case err != nil:
			wrong["pfx"] = unusableFile(file.Name, err)
		default:
			b.bundles[product], b.bundleFiles[product] = bundle, file.Name
		}
	}
	if len(b.bundles) == 0 && len(wrong) == 0 {
		wrong["pfx"] = "Choose a file for at least one product."
	}
}

// unusableFile says what is wrong with a file.
func unusableFile(name string, err error) string {
	if defect, ok := errors.AsType[*pki.DefectError](err); ok {
		return pages.Sentences(name+": "+defect.Sentence, defect.Mend)
	}
	return pages.Sentences(name + ": " + err.Error())
}
