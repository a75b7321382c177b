package restmount

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// maxNodes bounds the values of a document once its aliases are written out.
const maxNodes = 5_000_000

var anchor = regexp.MustCompile(`(?m)(^|[\s:,\[{-])&[^\s,\[\]{}&]+`)

// plainYAML refuses a text whose aliases make far more of it than is written, or that
// lead into themselves: whoever decodes it would write all of it out.
func plainYAML(data []byte) error {
	if text := bytes.TrimSpace(data); bytes.HasPrefix(text, []byte("{")) && json.Valid(text) || !anchor.Match(data) {
		return nil
	}
	var root yaml.Node
	if yaml.Unmarshal(data, &root) != nil {
		return nil // whoever decodes it says what is wrong
	}
	w := weigher{known: map[*yaml.Node]int{}}
	if n := w.weigh(&root); n < 0 || n > maxNodes {
		return errors.New("its YAML aliases make too much of it")
	}
	return nil
}

// weigher counts the nodes of a text with its aliases written out; -1 is without end.
type weigher struct{ known map[*yaml.Node]int }

func (w weigher) weigh(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	if weight, ok := w.known[n]; ok {
		return weight
	}
	w.known[n] = -1 // until it is known: who meets it meanwhile is inside of it
	weight := 1
	for _, child := range append([]*yaml.Node{n.Alias}, n.Content...) {
		part := w.weigh(child)
		if part < 0 || weight+part > maxNodes {
			weight = maxNodes + 1
			if part < 0 {
				weight = -1
			}
			break
		}
		weight += part
	}
	w.known[n] = weight
	return weight
}
