package convert

import "encoding/json"

type sampler struct{}

func (f *Function) refuse(problems []Problem, written *value) error {
	return &ArgumentError{Problems: problems, Example: json.RawMessage(nil)}
}
func (f *scalar) sample(m *sampler, p *place, like *value) *value     { return nil }
func (f *choice) sample(m *sampler, p *place, like *value) *value     { return nil }
func (f *jsonText) sample(m *sampler, p *place, like *value) *value   { return nil }
func (f *jsonChoice) sample(m *sampler, p *place, like *value) *value { return nil }
func (f *list) sample(m *sampler, p *place, like *value) *value       { return nil }
func (f *pairs) sample(m *sampler, p *place, like *value) *value      { return nil }
func (f *record) sample(m *sampler, p *place, like *value) *value     { return nil }
func (f *tuple) sample(m *sampler, p *place, like *value) *value      { return nil }
func (f *union) sample(m *sampler, p *place, like *value) *value      { return nil }
func (f *wrapped) sample(m *sampler, p *place, like *value) *value    { return nil }
func (f *reference) sample(m *sampler, p *place, like *value) *value  { return nil }
