//! What a PEX file holds and how it boots.
