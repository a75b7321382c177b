package config

import (
	"maps"
	"regexp"
	"slices"
)

// Playbook is a way of doing something that clients can take from here as a prompt.
type Playbook struct {
	Description string `yaml:"description"`
	// Arguments are what Text leaves open, in the order in which a client asks for them.
	Arguments []PlaybookArgument `yaml:"arguments"`
	// Text is what a client's model is told; {{name}} stands for an argument.
	Text string `yaml:"text"`
}

// PlaybookArgument is one blank in a playbook.
type PlaybookArgument struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Required    bool   `yaml:"required"`
	// Values are offered while a person fills the blank in.
	Values []string `yaml:"values"`
	// Of has customers, orders or runs offered instead.
	Of string `yaml:"of"`
}

// placeholder is an argument's place in a playbook's text.
var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_-]+)\s*\}\}`)

func (k *checker) checkPlaybooks() {
	for _, name := range slices.Sorted(maps.Keys(k.Playbooks)) {
		path, book := child("playbooks", name), k.Playbooks[name]
		k.checkName(path, name)
		if book.Description == "" {
			k.refuse(path+".description", "missing; it is what people choose by")
		}
		if book.Text == "" {
			k.refuse(path+".text", "missing")
		}
		known := map[string]bool{}
		for i, argument := range book.Arguments {
			at := item(path+".arguments", i)
			k.checkName(at+".name", argument.Name)
			if known[argument.Name] {
				k.refuse(at+".name", "%s is there twice", k.show(at+".name", argument.Name))
			}
			known[argument.Name] = true
			if argument.Of != "" {
				k.oneOf(at+".of", argument.Of, "customers", "orders", "runs")
				if len(argument.Values) > 0 {
					k.refuse(at+".values", "either values or of")
				}
			}
		}
		used := map[string]bool{}
		for _, match := range placeholder.FindAllStringSubmatch(book.Text, -1) {
			if used[match[1]] = true; !known[match[1]] {
				k.refuse(path+".text", "{{%s}} is none of its arguments", match[1])
			}
		}
		for i, argument := range book.Arguments {
			if !used[argument.Name] && book.Text != "" {
				at := item(path+".arguments", i) + ".name"
				k.refuse(at, "the text has no {{%s}}", k.asWritten(at, argument.Name))
			}
		}
	}
}
