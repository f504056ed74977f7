/* Tracebacks show the coroutines of users, and hide gio and the reactor, which run them. */
import { machinery } from "../compose/_machinery.ts";

machinery(import.meta.url);
machinery(import.meta.resolve("../reactor/mod.ts"));
