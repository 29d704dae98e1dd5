// GraphiQL in the page's element #graphiql. Its data attributes say what is told by whoever serves the page:
//   data-endpoint   path of the GraphQL endpoint (HTTP, and graphql-transport-ws under the same path)
//   data-examples   optional address of a JSON list of {query, variables, headers}, one tab each
import "./workers.js";
import "graphiql/style.css";
import "./page.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const element = document.getElementById("graphiql");
const endpoint = new URL(element.dataset.endpoint, location.href);
const subscriptions = new URL(endpoint);
subscriptions.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const examples = async () => {
  if (!element.dataset.examples) return undefined;
  const answer = await fetch(element.dataset.examples);
  return answer.ok ? answer.json() : undefined;
};

const fetcher = createGraphiQLFetcher({ url: endpoint.href, subscriptionUrl: subscriptions.href });
const defaultTabs = await examples();
createRoot(element).render(createElement(GraphiQL, { fetcher, defaultTabs, shouldPersistHeaders: true }));
