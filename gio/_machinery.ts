/** Tracebacks show the frames of coroutines, and not those of what runs them: gio, and the reactor below it. */
import { machinery } from "../compose/_machinery.ts";

machinery(import.meta.url);
machinery(import.meta.resolve("../reactor/mod.ts"));
