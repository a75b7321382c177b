package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"drawbridge/bridge"
	"drawbridge/bridge/convert"
	"drawbridge/bridge/openai"
)

func schemaCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Convert MCP tools to OpenAI functions, and arguments both ways, as JSON",
		Long: `Shows what a model is shown of a tool, and what becomes of the arguments it writes. The
commands read standard input, write standard output, and need no configuration.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(schemaConvertCommand(c),
		argumentsCommand(c, "invert", "Turn a model's arguments into the tool's own", (*convert.Function).Invert),
		argumentsCommand(c, "forward", "Turn a tool's own arguments into those of its function", (*convert.Function).Forward))
	return cmd
}

// functionList is what `schema convert` writes.
type functionList struct {
	Tools  []functionTool      `json:"tools"`  // in the form of OpenAI's API
	Names  map[string]string   `json:"names"`  // function name: MCP name
	Errors map[string]string   `json:"errors"` // MCP name: why it cannot be a function
	Notes  map[string][]string `json:"notes"`  // MCP name: what is said in words, or repaired
}

type functionTool struct {
	Type     string          `json:"type"`
	Function openai.Function `json:"function"`
}

func schemaConvertCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "convert",
		Short: `Turn {"tools": [...]}, as tools/list prints them, into OpenAI functions`,
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			raw, err := io.ReadAll(c.in)
			if err != nil {
				return fmt.Errorf("reading the tools: %w", err)
			}
			tools, unreadable, err := bridge.ParseTools(raw)
			if err != nil {
				return wrongUse{err}
			}
			made := bridge.Convert(tools)
			out := functionList{Tools: []functionTool{}, Names: made.Names, Errors: map[string]string{}, Notes: made.Notes}
			for _, f := range made.Functions {
				out.Tools = append(out.Tools, functionTool{"function", f})
			}
			for _, left := range append(unreadable, made.LeftOut...) {
				out.Errors[left.Tool] = left.Why
			}
			return writeLine(c.out, out)
		},
	}
}

// argumentsLine is one line of input to `schema invert` and `schema forward`.
type argumentsLine struct {
	Tool      json.RawMessage `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
}

// argumentsResult is one line of their output: one or the other.
type argumentsResult struct {
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Error     string          `json:"error,omitempty"`
}

func argumentsCommand(c *console, name, short string, turn func(*convert.Function, json.RawMessage) (json.RawMessage, error)) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Long: short + `.

Each line of standard input is {"tool": MCP tool, "arguments": {...}}; each line of standard
output is {"arguments": {...}} or {"error": "..."}, in the same order.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			functions := convert.NewCache(1000)
			return eachLine(c.in, func(line []byte) error {
				var result argumentsResult
				arguments, err := turnLine(functions, line, turn)
				if result.Arguments = arguments; err != nil {
					result = argumentsResult{Error: err.Error()}
				}
				return writeLine(c.out, result)
			})
		},
	}
}

func turnLine(functions *convert.Cache, line []byte, turn func(*convert.Function, json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	var in argumentsLine
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, fmt.Errorf(`the line is not {"tool": ..., "arguments": ...}: %w`, err)
	}
	tool, err := bridge.ParseTool(in.Tool)
	if err != nil {
		return nil, err
	}
	f, err := functions.Convert(convert.Tool{Name: tool.Name, Title: tool.Title, Description: tool.Description, Input: tool.Input})
	if err != nil {
		return nil, err
	}
	return turn(f, in.Arguments)
}

// maxLine bounds a line of input, in bytes.
const maxLine = 64 << 20

// eachLine gives every line that is not empty to do.
func eachLine(r io.Reader, do func(line []byte) error) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), maxLine)
	for scanner.Scan() {
		if line := bytes.TrimSpace(scanner.Bytes()); len(line) > 0 {
			if err := do(line); err != nil {
				return err
			}
		}
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return wrongUse{fmt.Errorf("a line of the input is above %d bytes", maxLine)}
	} else if err != nil {
		return fmt.Errorf("reading the input: %w", err)
	}
	return nil
}

func writeLine(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
