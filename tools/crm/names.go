package crm

// The names of the tools. Error messages point to them, and a backend stores an
// idempotency key under the name of the tool it was used for.
const (
	SearchCustomersTool  = "crm_search_customers"
	GetCustomerTool      = "crm_get_customer"
	CreateCustomerTool   = "crm_create_customer"
	UpdateCustomerTool   = "crm_update_customer"
	LogInteractionTool   = "crm_log_interaction"
	ListInteractionsTool = "crm_list_interactions"
	CreateTaskTool       = "crm_create_task"
	ListTasksTool        = "crm_list_tasks"
	CompleteTaskTool     = "crm_complete_task"
	SearchOrdersTool     = "crm_search_orders"
	GetOrderTool         = "crm_get_order"
	UpdateOrderTool      = "crm_update_order"
	CreateTicketTool     = "crm_create_ticket"
	UpdateTicketTool     = "crm_update_ticket"
	SearchTicketsTool    = "crm_search_tickets"
	SearchProductsTool   = "crm_search_products"
	GetProductTool       = "crm_get_product"
	CreateDealTool       = "crm_create_deal"
	UpdateDealTool       = "crm_update_deal"
	SearchDealsTool      = "crm_search_deals"
)
