package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/bridge"
	"drawbridge/config"
)

// outputProblems are the mistakes in an agent's output schema, each with its place.
// What is somebody else's schema is repaired where its author's meaning is plain; in
// one's own settings a slip had better be seen.
func outputProblems(cfg *config.Config, agent string, schema json.RawMessage) config.Problems {
	path := "agents." + agent + ".output"
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft2020
	compiler.LoadURL = func(url string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("%q is not part of the schema; references may point into it only (#/$defs/...)", url)
	}
	const name = "drawbridge:///output" // an address with a scheme is not taken for a file
	err := compiler.AddResource(name, bytes.NewReader(schema))
	if err == nil {
		_, err = compiler.Compile(name)
	}
	var invalid *jsonschema.ValidationError
	var broken *jsonschema.SchemaError
	switch {
	case errors.As(err, &invalid):
		return schemaProblems(cfg, path, invalid)
	case errors.As(err, &broken):
		err = broken.Err
	}
	if err != nil {
		return config.Problems{cfg.Problem(path, "no usable JSON Schema: %s", strings.ReplaceAll(err.Error(), name, ""))}
	}
	if err := bridge.CheckOutput(schema); err != nil {
		return config.Problems{cfg.Problem(path, "%v", err)}
	}
	return nil
}

// schemaProblems finds the causes of a failure, which are its leaves; of several for
// one place the first is enough.
func schemaProblems(cfg *config.Config, path string, e *jsonschema.ValidationError) config.Problems {
	if len(e.Causes) == 0 {
		return config.Problems{cfg.ProblemBelow(path, e.InstanceLocation, "no JSON Schema: %s", e.Message)}
	}
	var problems config.Problems
	seen := map[string]bool{}
	for _, cause := range e.Causes {
		for _, p := range schemaProblems(cfg, path, cause) {
			if !seen[p.Path] {
				problems = append(problems, p)
			}
			seen[p.Path] = true
		}
	}
	return problems
}
