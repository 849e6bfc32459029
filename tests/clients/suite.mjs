// The Node clients, asked to do what their users do; a line of JSON for each: client, scenario, and what went wrong.
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const { SUITE_URL: url, SUITE_KEY: key, SUITE_FAKE: fake } = process.env;
const MODEL = "claude-sonnet-5-5";
const ANSWER = "word0 word1 word2 word3 word4";
const SIGNATURE = "EqQBCkYIBxgCKkDsig+/=";
const LOOK_UP = 'FAKE:agent get_weather {"city": "Paris"}';
const THINK = "FAKE:thinktool";
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = Buffer.from("%PDF-1.4 a report").toString("base64");
const Found = z.object({ answer: z.number(), city: z.string() });
const FOUND = { answer: 42, city: "Paris" };
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = ({ city }) => `warm in ${city}`;

const records = async () => {
  const { requests } = await (await fetch(`${fake}/__fake__/requests`)).json();
  return requests.filter((one) => one.path.startsWith("/v1/messages"));
};
const sent = async () => (await records()).at(-1).body;
const kinds = async () =>
  (await sent()).messages.flatMap((one) => (Array.isArray(one.content) ? one.content.map((block) => block.type) : []));
const sawResult = async () => assert.match(JSON.stringify(await sent()), /warm in Paris/);
const sawThoughts = async () => assert.ok(JSON.stringify(await sent()).includes(SIGNATURE), "the thoughts are lost");
const ended = async () => {
  for (let turn = 0; turn < 100; turn += 1) {
    if ((await records()).every((one) => one.outcome === "client-gone")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("the call of Claude goes on");
};

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const user = (content) => [{ role: "user", content }];
const chat = (content, more = {}) =>
  openai.chat.completions.create({ model: MODEL, messages: user(content), ...more });
const respond = (input, more = {}) => openai.responses.create({ model: MODEL, input, ...more });
const ask = (content, more = {}) =>
  anthropic.messages.create({ model: MODEL, max_tokens: 4096, messages: user(content), ...more });
const FUNCTION = { name: "get_weather", description: "The weather.", parameters: SCHEMA };
const CHAT_TOOLS = [{ type: "function", function: FUNCTION }];
const FLAT_TOOLS = [{ type: "function", strict: false, ...FUNCTION }];
const TOOLS = [{ name: "get_weather", description: "The weather.", input_schema: SCHEMA }];

async function chatWithTools(prompt, more = {}) {
  const messages = user(prompt);
  for (;;) {
    const made = await openai.chat.completions.create({ model: MODEL, messages, tools: CHAT_TOOLS, ...more });
    const { message } = made.choices[0];
    if (!message.tool_calls?.length) return message.content;
    messages.push(message);
    for (const call of message.tool_calls)
      messages.push({ role: "tool", tool_call_id: call.id, content: weather(JSON.parse(call.function.arguments)) });
  }
}

async function respondWithTools(prompt, streamed, more = {}) {
  const input = user(prompt);
  for (;;) {
    const asked = { model: MODEL, input, tools: FLAT_TOOLS, ...more };
    const made = streamed ? await openai.responses.stream(asked).finalResponse() : await openai.responses.create(asked);
    const calls = made.output.filter((item) => item.type === "function_call");
    if (!calls.length) return made.output_text;
    input.push(...made.output);
    for (const call of calls)
      input.push({ type: "function_call_output", call_id: call.call_id, output: weather(JSON.parse(call.arguments)) });
  }
}

async function askWithTools(prompt, more = {}) {
  const messages = user(prompt);
  for (;;) {
    const made = await anthropic.messages.create({ model: MODEL, max_tokens: 4096, messages, tools: TOOLS, ...more });
    const calls = made.content.filter((block) => block.type === "tool_use");
    if (!calls.length) return made.content[0].text;
    const results = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: weather(call.input) }));
    messages.push({ role: "assistant", content: made.content }, { role: "user", content: results });
  }
}

const PDF_URL = `data:application/pdf;base64,${PDF}`;
const IMAGE_URL = `data:image/png;base64,${PIXEL}`;
const suite = {
  "openai (Node, chat)": {
    chat: async () => assert.equal((await chat("hi")).choices[0].message.content.trim(), ANSWER),
    stream: async () => {
      let text = "";
      for await (const chunk of await chat("hi", { stream: true })) text += chunk.choices[0]?.delta.content ?? "";
      assert.equal(text.trim(), ANSWER);
    },
    tools: async () => {
      assert.equal((await chatWithTools(LOOK_UP)).trim(), ANSWER);
      await sawResult();
    },
    "parallel tools": async () =>
      assert.equal((await chat("FAKE:paralleltools", { tools: CHAT_TOOLS })).choices[0].message.tool_calls.length, 3),
    "structured output": async () => {
      const asked = { model: MODEL, messages: user("FAKE:json"), response_format: zodResponseFormat(Found, "found") };
      assert.deepEqual((await openai.chat.completions.parse(asked)).choices[0].message.parsed, FOUND);
    },
    image: async () => {
      await chat([{ type: "text", text: "look" }, { type: "image_url", image_url: { url: IMAGE_URL } }]);
      assert.deepEqual(await kinds(), ["text", "image"]);
    },
    PDF: async () => {
      await chat([{ type: "file", file: { filename: "a.pdf", file_data: PDF_URL } }, { type: "text", text: "read" }]);
      assert.deepEqual(await kinds(), ["document", "text"]);
    },
    "thinking with tools": async () => {
      await chatWithTools(THINK, { reasoning_effort: "low" });
      assert.equal((await sent()).thinking.type, "adaptive");
      await sawResult();
    },
    errors: async () => {
      await assert.rejects(chat("FAKE:429"), OpenAI.RateLimitError);
      await assert.rejects(chat("FAKE:400"), OpenAI.BadRequestError);
    },
    cancel: async () => {
      const events = await chat("FAKE:slow:0.3", { stream: true });
      for await (const _ of events) break;
      events.controller.abort();
      await ended();
    },
  },
  "openai (Node, responses)": {
    chat: async () => assert.equal((await respond("hi")).output_text.trim(), ANSWER),
    stream: async () => {
      let text = "";
      for await (const event of await respond("hi", { stream: true }))
        if (event.type === "response.output_text.delta") text += event.delta;
      assert.equal(text.trim(), ANSWER);
    },
    tools: async () => {
      for (const streamed of [false, true]) {
        assert.equal((await respondWithTools(LOOK_UP, streamed)).trim(), ANSWER);
        await sawResult();
      }
    },
    "structured output": async () => {
      const asked = { model: MODEL, input: "FAKE:json", text: { format: zodTextFormat(Found, "found") } };
      assert.deepEqual((await openai.responses.parse(asked)).output_parsed, FOUND);
    },
    image: async () => {
      await respond(user([{ type: "input_text", text: "look" }, { type: "input_image", image_url: IMAGE_URL }]));
      assert.deepEqual(await kinds(), ["text", "image"]);
    },
    PDF: async () => {
      await respond(user([{ type: "input_file", filename: "a.pdf", file_data: PDF_URL }]));
      assert.deepEqual(await kinds(), ["document"]);
    },
    "thinking with tools": async () => {
      for (const streamed of [false, true]) {
        await respondWithTools(THINK, streamed, { reasoning: { effort: "low" } });
        await sawThoughts();
      }
    },
    errors: async () => {
      await assert.rejects(respond("FAKE:429"), OpenAI.RateLimitError);
      await assert.rejects(respond("FAKE:400"), OpenAI.BadRequestError);
    },
  },
  "@anthropic-ai/sdk": {
    chat: async () => assert.equal((await ask("hi")).content[0].text.trim(), ANSWER),
    stream: async () => {
      const events = anthropic.messages.stream({ model: MODEL, max_tokens: 4096, messages: user("hi") });
      assert.equal((await events.finalText()).trim(), ANSWER);
    },
    tools: async () => {
      assert.equal((await askWithTools(LOOK_UP)).trim(), ANSWER);
      await sawResult();
      const run = async ({ city }) => `warm in ${city}`;
      const weather = betaZodTool({ name: "get_weather", description: "d", inputSchema: z.object({ city: z.string() }), run });
      const given = { model: MODEL, max_tokens: 4096, messages: user(LOOK_UP), tools: [weather] };
      assert.equal((await anthropic.beta.messages.toolRunner(given)).content[0].text.trim(), ANSWER);
    },
    "parallel tools": async () => {
      const made = await ask("FAKE:paralleltools", { tools: TOOLS });
      assert.equal(made.content.filter((block) => block.type === "tool_use").length, 3);
    },
    image: async () => {
      const source = { type: "base64", media_type: "image/png", data: PIXEL };
      await ask([{ type: "text", text: "look" }, { type: "image", source }]);
      assert.deepEqual(await kinds(), ["text", "image"]);
    },
    PDF: async () => {
      const source = { type: "base64", media_type: "application/pdf", data: PDF };
      await ask([{ type: "document", source }, { type: "text", text: "read" }]);
      assert.deepEqual(await kinds(), ["document", "text"]);
    },
    "thinking with tools": async () => {
      await askWithTools(THINK, { thinking: { type: "enabled", budget_tokens: 1024 } });
      await sawThoughts();
    },
    errors: async () => {
      await assert.rejects(ask("FAKE:429"), Anthropic.RateLimitError);
      await assert.rejects(ask("FAKE:400"), Anthropic.BadRequestError);
    },
    cancel: async () => {
      const events = anthropic.messages.stream({ model: MODEL, max_tokens: 4096, messages: user("FAKE:slow:0.3") });
      for await (const event of events) if (event.type === "content_block_delta") break;
      events.abort();
      await ended();
    },
  },
};

const byOpenAI = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const models = {
  "ai (openai, chat)": [byOpenAI.chat(MODEL), { openai: { reasoningEffort: "low", forceReasoning: true } }],
  "ai (openai, responses)": [
    byOpenAI.responses(MODEL),
    { openai: { reasoningEffort: "low", forceReasoning: true, store: false, include: ["reasoning.encrypted_content"] } },
  ],
  "ai (anthropic)": [
    createAnthropic({ baseURL: `${url}/v1`, apiKey: key })(MODEL),
    { anthropic: { thinking: { type: "adaptive" } } },
  ],
};
for (const [client, [model, thinking]] of Object.entries(models)) {
  const common = { model, maxRetries: 0, ...(client.includes("responses") && { providerOptions: { openai: { store: false } } }) };
  const tools = {
    get_weather: tool({ description: "The weather.", inputSchema: z.object({ city: z.string() }), execute: weather }),
  };
  suite[client] = {
    chat: async () => assert.equal((await generateText({ ...common, prompt: "hi" })).text.trim(), ANSWER),
    stream: async () => {
      let text = "";
      for await (const piece of streamText({ ...common, prompt: "hi" }).textStream) text += piece;
      assert.equal(text.trim(), ANSWER);
    },
    tools: async () => {
      const made = await generateText({ ...common, tools, stopWhen: stepCountIs(5), prompt: LOOK_UP });
      assert.equal(made.text.trim(), ANSWER);
      await sawResult();
    },
    "structured output": async () =>
      assert.deepEqual((await generateObject({ ...common, schema: Found, prompt: "FAKE:json" })).object, FOUND),
    image: async () => {
      const content = [{ type: "text", text: "look" }, { type: "image", image: PIXEL, mediaType: "image/png" }];
      await generateText({ ...common, messages: user(content) });
      assert.deepEqual(await kinds(), ["text", "image"]);
    },
    PDF: async () => {
      const file = { type: "file", data: PDF, mediaType: "application/pdf", filename: "a.pdf" };
      await generateText({ ...common, messages: user([file, { type: "text", text: "read" }]) });
      assert.deepEqual(await kinds(), ["document", "text"]);
    },
    "thinking with tools": async () => {
      const asked = { ...common, tools, stopWhen: stepCountIs(5), prompt: THINK, providerOptions: thinking };
      await generateText(asked);
      await sawResult();
      if (!client.includes("chat")) await sawThoughts();
      await streamText(asked).consumeStream();
      await sawResult();
      if (!client.includes("chat")) await sawThoughts();
    },
    errors: async () =>
      assert.rejects(generateText({ ...common, prompt: "FAKE:400" }), (error) => error.statusCode === 400),
  };
}

for (const [client, scenarios] of Object.entries(suite)) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    await fetch(`${fake}/__fake__/requests`, { method: "DELETE" });
    let wrong = "";
    try {
      await scenario();
    } catch (error) {
      wrong = `${error.name}: ${error.message}`.slice(0, 1500);
    }
    process.stdout.write(`${JSON.stringify([client, name, wrong])}\n`);
  }
}
