package shopify

// The operations, in full: what is asked of Shopify stands here and nowhere else. Lists are
// asked for in sizes that keep the cost of each below what one operation may cost (1,000).

const moneyFields = ` { presentmentMoney { amount currencyCode } }`

const orderParts = `
fragment OrderParts on Order {
  id name createdAt cancelledAt note tags email displayFinancialStatus displayFulfillmentStatus
  customer { id displayName }
  totalPriceSet` + moneyFields + `
  totalReceivedSet` + moneyFields + `
  totalRefundedSet` + moneyFields + `
  disputes { status initiatedAs }
}`

const lineParts = `
fragment LineParts on LineItem {
  id name sku quantity currentQuantity unfulfilledQuantity
  variant { id }
  originalUnitPriceSet` + moneyFields + `
}`

const refundParts = `
fragment RefundParts on Refund {
  id note createdAt
  totalRefundedSet` + moneyFields + `
  refundLineItems(first: 10) { nodes { quantity lineItem { id } } }
  transactions(first: 5) { nodes { status } }
}`

const levelParts = `
fragment LevelParts on InventoryLevel {
  location { id name }
  quantities(names: ["available", "on_hand", "committed"]) { name quantity }
}`

const itemParts = `
fragment ItemParts on InventoryItem {
  id sku
  inventoryLevels(first: 50) { nodes { ...LevelParts } }
}` + levelParts

const productParts = `
fragment ProductParts on Product {
  id title handle status vendor productType tags totalInventory createdAt
}`

const waitingLineParts = `
fragment WaitingLines on FulfillmentOrderLineItemConnection {
  nodes { id remainingQuantity lineItem { id name sku } }
  pageInfo { hasNextPage endCursor }
}`

var (
	orderNamed = operation{name: "OrderNamed", text: `query OrderNamed($query: String!) {
  orders(first: 5, query: $query) { nodes { id name } }
}`}

	ordersFound = operation{name: "OrdersFound", text: `query OrdersFound($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: CREATED_AT, reverse: true) {
    nodes { ...OrderParts }
    pageInfo { hasNextPage endCursor }
  }
}` + orderParts}

	orderInFull = operation{name: "OrderInFull", text: `query OrderInFull($id: ID!) {
  order(id: $id) {
    ...OrderParts
    lineItems(first: 40) { nodes { ...LineParts } pageInfo { hasNextPage endCursor } }
    refunds(first: 10) { ...RefundParts }
  }
}` + orderParts + lineParts + refundParts}

	moreLines = operation{name: "MoreLines", text: `query MoreLines($id: ID!, $after: String) {
  order(id: $id) {
    lineItems(first: 100, after: $after) { nodes { ...LineParts } pageInfo { hasNextPage endCursor } }
  }
}` + lineParts}

	orderAlone = operation{name: "OrderAlone", text: `query OrderAlone($id: ID!) {
  order(id: $id) { ...OrderParts }
}` + orderParts}

	orderChanged = operation{name: "OrderChanged", write: true, text: `mutation OrderChanged($id: ID!, $input: OrderInput!, $add: [String!]!, $remove: [String!]!, $noted: Boolean!, $adds: Boolean!, $removes: Boolean!) {
  orderUpdate(input: $input) @include(if: $noted) { userErrors { field message } }
  tagsAdd(id: $id, tags: $add) @include(if: $adds) { userErrors { field message } }
  tagsRemove(id: $id, tags: $remove) @include(if: $removes) { userErrors { field message } }
}`}

	orderCancelled = operation{name: "OrderCancelled", write: true, text: `mutation OrderCancelled($id: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $note: String) {
  orderCancel(orderId: $id, reason: $reason, restock: $restock, staffNote: $note, notifyCustomer: false, refundMethod: {originalPaymentMethodsRefund: false}) {
    job { id }
    orderCancelUserErrors { field message code }
  }
}`}

	shippingOf = operation{name: "ShippingOf", text: `query ShippingOf($id: ID!) {
  order(id: $id) {
    id name
    fulfillments(first: 10) {
      id name status createdAt
      trackingInfo(first: 3) { company number url }
      fulfillmentLineItems(first: 10) { nodes { quantity lineItem { id name sku } } }
    }
    fulfillmentOrders(first: 8) {
      nodes {
        id status
        assignedLocation { name location { id } }
        lineItems(first: 10) { ...WaitingLines }
      }
    }
  }
}` + waitingLineParts}

	moreWaiting = operation{name: "MoreWaiting", text: `query MoreWaiting($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) { lineItems(first: 100, after: $after) { ...WaitingLines } }
}` + waitingLineParts}

	fulfilmentMade = operation{name: "FulfilmentMade", write: true, text: `mutation FulfilmentMade($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment {
      id name status createdAt
      trackingInfo(first: 10) { company number url }
      fulfillmentLineItems(first: 20) { nodes { quantity lineItem { id name sku } } }
    }
    userErrors { field message }
  }
}`}

	productsFound = operation{name: "ProductsFound", text: `query ProductsFound($first: Int!, $after: String, $query: String) {
  products(first: $first, after: $after, query: $query, sortKey: CREATED_AT, reverse: true) {
    nodes { ...ProductParts }
    pageInfo { hasNextPage endCursor }
  }
}` + productParts}

	productNamed = operation{name: "ProductNamed", text: `query ProductNamed($query: String!) {
  products(first: 5, query: $query) { nodes { id handle } }
}`}

	productInFull = operation{name: "ProductInFull", text: `query ProductInFull($id: ID!) {
  shop { currencyCode }
  product(id: $id) {
    ...ProductParts
    description
    variants(first: 100) {
      nodes { id title sku price inventoryQuantity inventoryItem { id } }
      pageInfo { hasNextPage }
    }
  }
}` + productParts}

	itemAlone = operation{name: "ItemAlone", text: `query ItemAlone($id: ID!) {
  inventoryItem(id: $id) { ...ItemParts }
}` + itemParts}

	itemOfVariant = operation{name: "ItemOfVariant", text: `query ItemOfVariant($id: ID!) {
  productVariant(id: $id) { inventoryItem { ...ItemParts } }
}` + itemParts}

	itemsNamed = operation{name: "ItemsNamed", text: `query ItemsNamed($query: String!) {
  productVariants(first: 10, query: $query) { nodes { sku inventoryItem { id } } }
}`}

	stockAdjusted = operation{name: "StockAdjusted", write: true, text: `mutation StockAdjusted($input: InventoryAdjustQuantitiesInput!, $location: ID!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { item { id sku inventoryLevel(locationId: $location) { ...LevelParts } } } }
    userErrors { field message code }
  }
}` + levelParts}

	stockSet = operation{name: "StockSet", write: true, text: `mutation StockSet($input: InventorySetQuantitiesInput!, $location: ID!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { item { id sku inventoryLevel(locationId: $location) { ...LevelParts } } } }
    userErrors { field message code }
  }
}` + levelParts}

	refundSuggested = operation{name: "RefundSuggested", text: `query RefundSuggested($id: ID!, $lines: [RefundLineItemInput!], $shipping: Boolean!, $whole: Boolean!) {
  order(id: $id) {
    ...OrderParts
    suggestedRefund(refundLineItems: $lines, refundShipping: $shipping, suggestFullRefund: $whole) {
      amountSet` + moneyFields + `
      subtotalSet` + moneyFields + `
      totalTaxSet` + moneyFields + `
      shipping { amountSet` + moneyFields + ` }
    }
  }
}` + orderParts}

	refundBasis = operation{name: "RefundBasis", text: `query RefundBasis($id: ID!) {
  order(id: $id) {
    ...OrderParts
    presentmentCurrencyCode
    refunds(first: 100) { id note }
    transactions(first: 100) { id kind status gateway amountSet` + moneyFields + ` parentTransaction { id } }
  }
}` + orderParts}

	refundAlone = operation{name: "RefundAlone", text: `query RefundAlone($id: ID!) {
  refund(id: $id) { ...RefundParts order { ...OrderParts } }
}` + orderParts + refundParts}

	refundMade = operation{name: "RefundMade", write: true, text: `mutation RefundMade($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { ...RefundParts order { ...OrderParts } }
    userErrors { field message }
  }
}` + orderParts + refundParts}
)

// operations are all of them.
var operations = []operation{orderNamed, ordersFound, orderInFull, moreLines, orderAlone, orderChanged, orderCancelled, shippingOf, moreWaiting, fulfilmentMade,
	productsFound, productNamed, productInFull, itemAlone, itemOfVariant, itemsNamed, stockAdjusted, stockSet, refundSuggested, refundBasis, refundAlone, refundMade}
