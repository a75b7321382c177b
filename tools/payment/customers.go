package payment

import (
	"context"
	"net/mail"
	"strings"

	"drawbridge/tools"
)

// Customers are who pays, as the provider knows them.
type Customers interface {
	// UpdateCustomer changes what is given of the customer who is named by reference or
	// email address.
	UpdateCustomer(ctx context.Context, change CustomerChange) (Customer, error)
}

// CustomerChange says what is to be different about a customer. What is "" stays.
type CustomerChange struct {
	Customer    string // reference or email
	Name, Email string // Email is a plain address in lower case
}

// UpdateCustomerInput is the input of payment_update_customer.
type UpdateCustomerInput struct {
	Customer string `json:"customer" jsonschema:"Whom to change: the payment provider's customer reference, or the exact email address." minLength:"1" maxLength:"254" example:"cus_demo_ada"`
	Name     string `json:"name,omitempty" jsonschema:"The new name. Leave out to keep the one there is." maxLength:"200" example:"Ada Example"`
	Email    string `json:"email,omitempty" jsonschema:"The new email address: receipts and invoices go there. Leave out to keep the one there is." format:"email" maxLength:"254" example:"ada@example.com"`
}

// CustomerOutput is the result of payment_update_customer.
type CustomerOutput struct {
	Customer
	Written
}

// UpdateCustomer changes a customer's name or email address.
func (p *Payment) UpdateCustomer(ctx context.Context, in UpdateCustomerInput) (CustomerOutput, error) {
	change := CustomerChange{Name: strings.TrimSpace(in.Name), Email: strings.ToLower(strings.TrimSpace(in.Email))}
	var err error
	if change.Customer, err = named("customer", in.Customer); err != nil {
		return CustomerOutput{}, err
	}
	switch {
	case change.Name == "" && change.Email == "":
		return CustomerOutput{}, tools.Errorf(tools.Invalid, "name: neither name nor email is given; say what is to change.")
	case change.Email != "":
		if err := CheckEmail("email", change.Email); err != nil {
			return CustomerOutput{}, err
		}
	}
	customer, err := p.driver.UpdateCustomer(ctx, change)
	if err != nil {
		return CustomerOutput{}, p.writeError(ctx, ToolUpdateCustomer, err)
	}
	return CustomerOutput{Customer: customer, Written: p.written()}, nil
}

// CheckEmail refuses what is no plain address. field is where it stands.
func CheckEmail(field, address string) error {
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		return tools.Errorf(tools.Invalid, "%s: %q is not a plain email address such as ada@example.com.", field, address)
	}
	return nil
}

// NoSuchCustomer is the error for a reference, or an address, that nobody has.
func NoSuchCustomer(ref string) error {
	return tools.Errorf(tools.NotFound, "customer: there is no customer %q; find one with %s, or give the email address.", ref, ToolSearchPayments)
}

func customerTools(p *Payment, keyed bool) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  ToolUpdateCustomer,
			Title: "Update a paying customer",
			Description: "Change the name or the email address under which the payment provider knows a customer; receipts and invoices go to that address. " +
				"The old value is lost. Not for the CRM's record of the customer.",
			Effect:      tools.Write,
			Idempotent:  keyed,
			Destructive: true,
			Taints:      true,
		}, p.UpdateCustomer),
	}
}
