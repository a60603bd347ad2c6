"""Reading rows of any origin into the contract's types; `contract.read` is the door to it."""
