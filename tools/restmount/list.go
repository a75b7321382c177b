package restmount

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"drawbridge/tools/mcpmount"
)

// List reads the document and makes tools of its operations. A document that makes us
// panic is a bad document, and no reason to go down.
func (a *API) List(ctx context.Context) (list []mcpmount.SourceTool, leftOut []mcpmount.LeftOut, err error) {
	doc, at, err := a.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if fault := recover(); fault != nil {
			list, leftOut, err = nil, nil, fmt.Errorf("the document makes no sense (%v)", fault)
		}
	}()
	all, leftOut, err := a.operations(doc, at)
	if err != nil {
		return nil, nil, err
	}
	calls := a.calls
	if len(all) > 0 && a.settings.BaseURL == "" && !a.settings.Remote() {
		// The file is the operator's own: the host that it names is one that he named.
		calls = &http.Client{Transport: a.reach(all[0].base), CheckRedirect: sameOrigin}
	}
	for _, o := range all {
		definition, err := a.define(o)
		if err != nil {
			leftOut = append(leftOut, mcpmount.LeftOut{Tool: o.name, Why: "its definition cannot be written"})
			continue
		}
		list = append(list, mcpmount.SourceTool{JSON: definition, Call: func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
			return a.call(ctx, calls, o, arguments)
		}})
	}
	return list, leftOut, nil
}

// define writes a tool as MCP lists it. The annotations hold what a call does, so that it
// is part of what a person has accepted.
func (a *API) define(o *operation) (json.RawMessage, error) {
	reads := o.method == http.MethodGet || o.method == http.MethodHead
	plan, err := json.Marshal([]any{o.base, o.path, o.parameters, o.body})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(plan)
	annotations := object{
		"readOnlyHint": reads, "destructiveHint": !reads, "idempotentHint": reads || a.settings.IdempotencyHeader != "", "openWorldHint": true,
		"operation": o.method + " " + o.base + o.path, "method": o.method, "path": o.path, "encoding": hex.EncodeToString(sum[:8]),
	}
	if o.id != "" {
		annotations["operationId"] = o.id
	}
	if len(o.tags) > 0 {
		annotations["tags"] = o.tags
	}
	return json.Marshal(object{"name": o.name, "title": o.title, "description": o.description, "inputSchema": json.RawMessage(o.input), "annotations": annotations})
}
