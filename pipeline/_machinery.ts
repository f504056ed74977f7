/**
 * Tracebacks show the frames of the stages that users write, and hide those of this module.
 */
import { machinery } from "../compose/_machinery.ts";
import { batch } from "./batch.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { filter } from "./filter.ts";
import { flatMap } from "./flat_map.ts";
import { join } from "./join.ts";
import { map } from "./map.ts";
import { skip } from "./skip.ts";
import { take } from "./take.ts";
import { Transparent } from "./transparent.ts";

machinery(
  import.meta.url,
  ...[batch, decode, encode, filter, flatMap, join, map, skip, take],
  ...[Transparent.prototype.all_unknown, Transparent.prototype.any_unknown],
);
