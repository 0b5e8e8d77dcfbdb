package visitor

import (
	"cmp"
	"strings"

	"golang.org/x/net/html"
)

// page is what matters of an HTML page.
type page struct {
	form  *form
	alert string // the text of what has role="alert"
	text  string
}

type form struct {
	action          string
	inputs, buttons []field
}

type field struct{ name, kind, value string }

// read walks the tree; the first form counts.
func read(node *html.Node) page {
	var p page
	var inForm *form
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			switch one := (field{attribute(n, "name"), attribute(n, "type"), attribute(n, "value")}); n.Data {
			case "form":
				if p.form == nil {
					p.form = &form{action: attribute(n, "action")}
					inForm = p.form
					defer func() { inForm = nil }()
				}
			case "input":
				if inForm != nil && one.name != "" {
					one.kind = cmp.Or(one.kind, "text")
					inForm.inputs = append(inForm.inputs, one)
				}
			case "button":
				if inForm != nil {
					inForm.buttons = append(inForm.buttons, one)
				}
			case "script", "style", "noscript":
				return
			}
			if attribute(n, "role") == "alert" {
				p.alert = strings.Join(strings.Fields(textOf(n)), " ")
			}
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
	}
	walk(node)
	p.text = strings.Join(strings.Fields(textOf(node)), " ")
	return p
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	if n.Data == "style" || n.Data == "script" {
		return ""
	}
	var out strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		out.WriteString(textOf(child) + " ")
	}
	return out.String()
}
