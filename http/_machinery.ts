/** Tracebacks show the frames of handlers, and not those of the code that runs them. */
import { machinery } from "../compose/_machinery.ts";
import { Coding } from "./_coded.ts";
import { Connection } from "./_connection.ts";
import { HttpRequest } from "./http_request.ts";

const { bytes, text, json, formData } = HttpRequest.prototype;
machinery(
  import.meta.url,
  Connection.prototype.run,
  Coding.prototype.run,
  bytes,
  text,
  json,
  formData,
);
