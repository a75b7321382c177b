// A mounted MCP server with one tool, which reports its progress and answers at once:
// whatever stands between it and the client has to keep the two in order.
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const server = new Server({ name: 'counter', version: '1' }, { capabilities: { tools: {} } });
server.setRequestHandler(ListToolsRequestSchema, async () => ({
  tools: [{ name: 'count', description: 'Counts to two, and says when it is half way.', inputSchema: { type: 'object', properties: {} } }],
}));
server.setRequestHandler(CallToolRequestSchema, async (request, { sendNotification }) => {
  const progressToken = request.params._meta?.progressToken;
  if (progressToken !== undefined) await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
  return { content: [{ type: 'text', text: 'counted' }] };
});
await server.connect(new StdioServerTransport());
