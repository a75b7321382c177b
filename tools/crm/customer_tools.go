package crm

import (
	"context"

	"drawbridge/tools"
)

// SearchCustomers finds customers by words and stage.
func (c *CRM) SearchCustomers(ctx context.Context, in CustomerSearch) (CustomerPage, error) {
	return read(ctx, c, SearchCustomersTool, in, Customers.SearchCustomers)
}

// GetCustomer gives the whole picture of one customer.
func (c *CRM) GetCustomer(ctx context.Context, in CustomerRef) (CustomerPicture, error) {
	return read(ctx, c, GetCustomerTool, in, picture)
}

// CreateCustomer makes a customer's record.
func (c *CRM) CreateCustomer(ctx context.Context, in CustomerDraft) (Customer, error) {
	return write(ctx, c, CreateCustomerTool, in, CustomerRecords.CreateCustomer)
}

// UpdateCustomer changes the given fields of a customer.
func (c *CRM) UpdateCustomer(ctx context.Context, in CustomerUpdate) (Customer, error) {
	return write(ctx, c, UpdateCustomerTool, in, CustomerRecords.UpdateCustomer)
}

func customerTools(c *CRM) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  SearchCustomersTool,
			Title: "Search customers",
			Description: "Find customers by words from their name, email, phone, company or external reference. " +
				"Use it when you do not know exactly who is meant; with an id, an exact email address or an external reference call crm_get_customer right away. " +
				"Returns profiles only: call crm_get_customer for tickets, orders and history.",
			Effect: tools.Read,
			Taints: true,
		}, c.SearchCustomers),
		tools.Define(tools.Spec{
			Name:  GetCustomerTool,
			Title: "Get a customer",
			Description: "The whole picture of one customer: profile, unresolved tickets, recent interactions, newest orders, and order totals per currency. " +
				"Call it before you write to a customer or decide anything about one. " +
				"Not for finding out who is meant (crm_search_customers), nor for older history (crm_list_interactions, crm_search_orders, crm_search_tickets).",
			Effect: tools.Read,
			Taints: true,
		}, c.GetCustomer),
		tools.Define(tools.Spec{
			Name:  CreateCustomerTool,
			Title: "Create a customer",
			Description: "Make a record for a customer who has none. Search with crm_search_customers first. " +
				"If the email address or external reference is taken, the error names the record that has it: go on with that one, or change it with crm_update_customer.",
			Effect:     tools.Write,
			Idempotent: c.driver.HonoursKeys(CreateCustomerTool),
		}, c.CreateCustomer),
		tools.Define(tools.Spec{
			Name:  UpdateCustomerTool,
			Title: "Update a customer",
			Description: "Change fields of a customer's profile; fields left out stay as they are, the old values of the others are lost. " +
				"Not for recording what happened with a customer: that is crm_log_interaction.",
			Effect:      tools.Write,
			Idempotent:  c.driver.HonoursKeys(UpdateCustomerTool),
			Destructive: true,
			Taints:      true,
		}, c.UpdateCustomer),
	}
}
