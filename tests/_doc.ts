/** What `deno doc --json` says of a module, as far as the tests look at it. */
export interface Documented {
  readonly moduleDoc: string;
  readonly symbols: readonly DocumentedSymbol[];
}

export interface DocumentedSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

export interface Declaration {
  readonly kind: string;
  readonly location: Location;
  readonly jsDoc?: JsDoc;
  readonly def: Definition;
}

export interface Location {
  readonly filename: string;
  readonly line: number;
  readonly col: number;
}

export interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly { kind: string; name?: string; doc?: string }[];
}

export interface Signature {
  readonly params: readonly Parameter[];
  readonly returnType?: { repr?: string };
  readonly hasBody?: boolean;
}

export interface Parameter {
  readonly kind: string;
  readonly name?: string;
  readonly left?: Parameter;
  readonly arg?: Parameter;
}

/** A method, a property or another member of a class or an interface. */
export interface Member extends Partial<Signature> {
  readonly name?: string;
  readonly kind?: string;
  readonly accessibility?: string;
  readonly jsDoc?: JsDoc;
  readonly location?: Location;
  readonly functionDef?: Signature;
}

export interface Definition extends Partial<Signature> {
  readonly constructors?: readonly Member[];
  readonly methods?: readonly Member[];
  readonly properties?: readonly Member[];
  readonly callSignatures?: readonly Member[];
}

/** Documents a module by its path, relative to the folder of the package. */
export async function documented(path: string): Promise<Documented> {
  const url = new URL(`../${path}`, import.meta.url).href;
  const command = new Deno.Command(Deno.execPath(), { args: ["doc", "--json", url] });
  const { stdout, stderr, success } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const { module_doc, symbols } = nodes[url];
  return { moduleDoc: module_doc?.doc ?? "", symbols };
}
