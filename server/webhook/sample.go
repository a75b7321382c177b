package webhook

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Sample is a delivery as a sender of the scheme might send it, to try a source out.
// The same id is the same event again. The headers are those that come besides the
// signature's.
func Sample(scheme, id string, at time.Time, o SchemeOptions) (contentType string, header http.Header, body []byte) {
	text := samples[scheme]
	if text == "" {
		text = sampleAny
	}
	contentType = "application/json"
	switch scheme {
	case Twilio:
		return formType, nil, []byte(url.Values{
			"MessageSid": {sampleSID(id)}, "From": {"+14155550100"}, "To": {"+14155550199"}, "Body": {"Has my order left already?"},
		}.Encode())
	case Salesforce:
		contentType = "text/xml; charset=utf-8"
	}
	organization := cmp.Or(o.Organization, "00D000000000001")
	text = strings.NewReplacer(
		"ORGANIZATION#", organization,
		"ID#", id, "NUMBER#", fmt.Sprint(sampleNumber(id)), "SECONDS#", fmt.Sprint(at.Unix()),
		"MILLIS#", fmt.Sprint(at.UnixMilli()), "TIME#", at.UTC().Format(time.RFC3339),
	).Replace(text)
	header = http.Header{}
	for name, value := range sampleHeaders[scheme] {
		header.Set(name, strings.ReplaceAll(value, "TIME#", at.UTC().Format(time.RFC3339)))
	}
	return contentType, header, []byte(text)
}

const formType = "application/x-www-form-urlencoded"

// sampleNumber is a number for an id, where a provider's ids are numbers.
func sampleNumber(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()
}

// sampleSID is an id of Twilio's form.
func sampleSID(id string) string { return fmt.Sprintf("SM%032x", sampleNumber(id)) }

var sampleHeaders = map[string]map[string]string{
	GitHub:  {"X-Github-Event": "issues"},
	Shopify: {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": "example.myshopify.com", "X-Shopify-Triggered-At": "TIME#"},
}

const sampleAny = `{"id":"ID#","type":"test","created_at":"TIME#","data":{"message":"a sample event"}}`

var samples = map[string]string{
	Standard: `{"type":"invoice.paid","timestamp":"TIME#","data":{"id":"inv_1","customer":"cus_1","amount":4200,"currency":"EUR"}}`,
	OpenAI:   `{"object":"event","id":"ID#","type":"response.completed","created_at":SECONDS#,"data":{"id":"resp_sample"}}`,
	Stripe: `{"id":"ID#","object":"event","api_version":"2025-09-30.clover","created":SECONDS#,"data":{"object":{"id":"pi_sample","object":"payment_intent",` +
		`"amount":4200,"currency":"eur","customer":"cus_sample","status":"succeeded"}},"livemode":false,"type":"payment_intent.succeeded"}`,
	GitHub: `{"action":"opened","issue":{"id":1,"number":1,"title":"A sample issue","state":"open"},"repository":{"id":1,"full_name":"example/example"},"sender":{"login":"octocat"}}`,
	Slack: `{"team_id":"T000000","api_app_id":"A000000","event":{"type":"app_mention","user":"U000000","text":"Hello","channel":"C000000","ts":"SECONDS#.000100"},` +
		`"type":"event_callback","event_id":"ID#","event_time":SECONDS#}`,
	Shopify: `{"id":NUMBER#,"name":"#1001","currency":"EUR","total_price":"42.00","created_at":"TIME#","customer":{"id":1,"email":"ada@example.com"}}`,
	HubSpot: `[{"eventId":NUMBER#,"subscriptionId":1,"portalId":1,"appId":1,"occurredAt":MILLIS#,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123}]`,
	SendGrid: `[{"email":"ada@example.com","timestamp":SECONDS#,"event":"processed","sg_event_id":"ID#-1","sg_message_id":"sample"},` +
		`{"email":"ada@example.com","timestamp":SECONDS#,"event":"delivered","sg_event_id":"ID#-2","sg_message_id":"sample"}]` + "\r\n",
	X: `{"for_user_id":"1","tweet_create_events":[{"id_str":"NUMBER#","text":"Hello @example","timestamp_ms":"MILLIS#","user":{"id_str":"2","screen_name":"ada"}}]}`,
	Meta: `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",` +
		`"messages":[{"from":"14155550100","id":"ID#","timestamp":"SECONDS#","type":"text","text":{"body":"Has my order left already?"}}]}}]}]}`,
	Salesforce: `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>ORGANIZATION#</OrganizationId>
   <Notification>
    <Id>ID#</Id>
    <sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>006000000000001AAA</sf:Id>
     <sf:StageName>Closed Won</sf:StageName>
     <sf:LastModifiedDate>TIME#</sf:LastModifiedDate>
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>`,
}
