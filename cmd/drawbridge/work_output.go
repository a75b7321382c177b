package main

import (
	"encoding/json"
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/bridge"
	"drawbridge/config"
	"drawbridge/server/dispatch"
)

// outputProblems are the mistakes in an agent's output schema, each with its place.
// What is somebody else's schema is repaired where its author's meaning is plain; in
// one's own settings a slip had better be seen.
func outputProblems(cfg *config.Config, agent string, schema json.RawMessage) config.Problems {
	path := "agents." + agent + ".output"
	if _, err := dispatch.CompileSchema(schema); err != nil {
		return schemaProblems(cfg, path, err)
	}
	if err := bridge.CheckOutput(schema); err != nil {
		return config.Problems{cfg.Problem(path, "%v", err)}
	}
	return nil
}

// schemaProblems are what is wrong with the JSON Schema at path, each with its place.
func schemaProblems(cfg *config.Config, path string, err error) config.Problems {
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return partProblems(cfg, path, invalid)
	}
	return config.Problems{cfg.Problem(path, "no usable JSON Schema: %v", err)}
}

// partProblems finds the causes of a failure, which are its leaves; of several for one
// place the first is enough.
func partProblems(cfg *config.Config, path string, e *jsonschema.ValidationError) config.Problems {
	if len(e.Causes) == 0 {
		return config.Problems{cfg.ProblemBelow(path, e.InstanceLocation, "no JSON Schema: %s", e.Message)}
	}
	var problems config.Problems
	seen := map[string]bool{}
	for _, cause := range e.Causes {
		for _, p := range partProblems(cfg, path, cause) {
			if !seen[p.Path] {
				problems = append(problems, p)
			}
			seen[p.Path] = true
		}
	}
	return problems
}
