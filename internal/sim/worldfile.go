package sim

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	yamltoken "github.com/goccy/go-yaml/token"
	"github.com/google/uuid"
)

// What a world's file may hold at most. The files of this package are ours;
// Options.File comes from whoever has it.
const (
	maxFile         = 32 << 20
	maxFileDepth    = 64
	maxDeployments  = 20
	maxFileMachines = 500
	maxLikenesses   = 4000
)

// layout is the world that the options name, or that their file describes.
func (o Options) layout() (*layout, error) {
	if o.File == nil {
		return readLayout(o.World)
	}
	l, err := parseLayout(o.File)
	if err != nil {
		return nil, fmt.Errorf("the world's file cannot be used: %w", err)
	}
	return l, nil
}

// parseLayout reads a world's file.
func parseLayout(text []byte) (*layout, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("it is longer than %d MB", maxFile>>20)
	}
	if err := plainFile(text); err != nil {
		return nil, err
	}
	var l layout
	if err := yaml.UnmarshalWithOptions(text, &l, yaml.Strict()); err != nil {
		return nil, err
	}
	if l.Subscription != "" {
		l.Subscriptions = append([]string{l.Subscription}, l.Subscriptions...)
	}
	if len(l.Subscriptions) == 0 {
		return nil, errors.New("it has no subscription")
	}
	return &l, l.check()
}

// plainFile refuses what a small file could grow by, and what nests too deep.
func plainFile(text []byte) error {
	depth := 0
	for _, t := range lexer.Tokenize(string(text)) {
		switch t.Type {
		case yamltoken.AnchorType, yamltoken.AliasType, yamltoken.MergeKeyType:
			return errors.New("it uses anchors or aliases, which worlds' files do not")
		case yamltoken.MappingStartType, yamltoken.SequenceStartType:
			if depth++; depth > maxFileDepth {
				return fmt.Errorf("it nests deeper than %d", maxFileDepth)
			}
		case yamltoken.MappingEndType, yamltoken.SequenceEndType:
			depth--
		}
		if t.Position != nil && t.Position.IndentNum > 2*maxFileDepth {
			return fmt.Errorf("it nests deeper than %d", maxFileDepth)
		}
	}
	return nil
}

// check refuses what no world can be made of.
func (l *layout) check() error {
	if len(l.Deployments) == 0 || len(l.Deployments) > maxDeployments {
		return fmt.Errorf("it has %d deployments; a world has 1 to %d", len(l.Deployments), maxDeployments)
	}
	if len(l.Certificates) > maxLikenesses {
		return fmt.Errorf("it has %d certificates, more than %d", len(l.Certificates), maxLikenesses)
	}
	for name, id := range l.SubscriptionIDs {
		if uuid.Validate(id) != nil {
			return fmt.Errorf("subscription %q: %q is no id", name, id)
		}
	}
	for _, d := range l.Deployments {
		machines := len(d.Machines)
		for _, s := range d.Sites {
			machines += len(s.Machines)
		}
		if machines > maxFileMachines {
			return fmt.Errorf("deployment %s has %d machines, more than %d", d.Prefix, machines, maxFileMachines)
		}
		if (d.Kind == kindCopy) != (d.Copy != nil) {
			return fmt.Errorf("deployment %s: kind %s and what is copied belong together", d.Prefix, kindCopy)
		}
		if d.Copy == nil {
			continue
		}
		for _, name := range d.Copy.Names {
			if _, err := netip.ParseAddr(name.Address); err != nil {
				return fmt.Errorf("deployment %s: %q is no address", d.Prefix, name.Address)
			}
		}
		for _, web := range d.Copy.Webs {
			if web.Port < 1 || web.Port > 65535 {
				return fmt.Errorf("deployment %s: %d is no port", d.Prefix, web.Port)
			}
		}
	}
	return nil
}
