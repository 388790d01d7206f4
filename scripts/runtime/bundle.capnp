# The fields of workerd's src/workerd/jsg/modules.capnp that a Pyodide bundle is made of.
# Cap'n Proto matches fields by number, so neither the file id nor the names need to be workerd's.
@0xc6a2b1f04d5e7a93;

enum ModuleType {
  bundle @0;
  builtin @1;
  internal @2;
}

struct Module {
  name @0 :Text;
  union {
    src @1 :Data;
    wasm @4 :Data;
    data @5 :Data;
    json @6 :Text;
  }
  type @2 :ModuleType;
  tsDeclaration @3 :Text;
  compileCache @7 :Data;
}

struct Bundle {
  modules @0 :List(Module);
}
