package openai

import (
	"slices"
	"sync"
)

// definitions keeps functions as they are written into requests. A request carries
// some thirty of them, the same ones turn after turn and run after run, and writing
// them anew would cost more than the rest of a turn.
type definitions struct {
	write func(Function) ([]byte, error)

	mu   sync.RWMutex
	kept map[definition][]byte
}

// definition is a Function that can be a key.
type definition struct {
	name, description, parameters string
	strict                        bool
}

// of gives the function's definition behind a comma, which must not be changed.
func (d *definitions) of(f Function) ([]byte, error) {
	d.mu.RLock()
	// The conversion inside the index expression does not copy.
	written, ok := d.kept[definition{f.Name, f.Description, string(f.Parameters), f.Strict}]
	d.mu.RUnlock()
	if ok {
		return written, nil
	}
	bare, err := d.write(f)
	if err != nil {
		return nil, err
	}
	written = append([]byte(comma), bare...)
	d.mu.Lock()
	defer d.mu.Unlock()
	const most = 8192 // far more than the tools of any one company
	if d.kept == nil || len(d.kept) >= most {
		d.kept = map[definition][]byte{}
	}
	d.kept[definition{f.Name, f.Description, string(f.Parameters), f.Strict}] = written
	return written, nil
}

// appendTo adds the functions to a request, as the member tools.
func (d *definitions) appendTo(b body, functions []Function) (body, error) {
	if len(functions) == 0 {
		return b, nil // an empty list is refused
	}
	b = append(slices.Grow(b, len(functions)+3), []byte(`"tools":[`))
	for i, f := range functions {
		written, err := d.of(f)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			written = written[len(comma):]
		}
		b = append(b, written)
	}
	return append(b, []byte("],")), nil
}

const comma = ","
