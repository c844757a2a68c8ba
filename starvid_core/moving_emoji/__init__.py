"""The embedded world: the paper's subjects and motions as emoji clips with known boxes."""
