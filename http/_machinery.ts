/** Tracebacks show the frames of handlers, and not those of the code that runs them. */
import { machinery } from "../compose/_machinery.ts";
import { passOn } from "./components/_pass_on.ts";
import { BasicAuthentication } from "./components/basic_authentication.ts";
import { IpFilter } from "./components/ip_filter.ts";
import { Client } from "./client/client.ts";
import { Coding } from "./_coded.ts";
import { Connection } from "./_connection.ts";
import { ServerConnection } from "./h2/_server_connection.ts";
import { ReceivedRequest } from "./http_request.ts";
import { Opening } from "./_opening.ts";

const { bytes, text, json, formData } = ReceivedRequest.prototype;
machinery(
  import.meta.url,
  ...[Connection.prototype.run, Opening.prototype.run, ServerConnection.prototype.run],
  ...[Coding.prototype.run, bytes, text, json, formData, passOn],
  ...[BasicAuthentication.prototype.processRequest, IpFilter.prototype.processRequest],
  Client.prototype.httpRequest,
);
