// Package openai asks a model: one chat completion over any endpoint that speaks
// OpenAI's chat API, by way of go-openai.
//
// It adds what a durable run needs and go-openai leaves open: errors sorted into
// those worth another try and those that are not ([Error]), usage that is never
// missing, and requests whose bytes depend on nothing but their content, so that
// a provider's prompt cache finds the same prefix again.
package openai
