"""One offline bundle: everything that hosts without a network need, under one signature.

1. `recipe.py` says which parts a bundle has; `parts/` bring them, from a cache that keeps what was fetched.
2. `tree.py` takes the files in, `seal.py` writes `checksums.txt` and `manifest.json` and signs the manifest.
   Two builds of the same commit from the same cache are the same bytes: names sorted, one time and one mode everywhere.
3. `checking.py` refuses whatever is not exactly what was signed. It is one file of the standard library alone, and lies
   in each bundle as `verify.py`, for hosts that have nothing else.
4. `install.py` unpacks into a staging folder, hashing what it writes, and gives it its name in one step.

Rule: nothing of a bundle is used before the signature over its manifest was checked with a key that did not come with
the bundle. The manifest holds the hash of `checksums.txt`, which holds the hash of every other file.
"""

from appliance.bundle.build import build
from appliance.bundle.errors import BundleRefused, BundleUnmade
from appliance.bundle.install import install
from appliance.bundle.manifest import Bundle, Component
from appliance.bundle.plan import BuildPlan, Progress
from appliance.bundle.signing import make_key
from appliance.bundle.targets import TARGETS, Target
from appliance.bundle.verify import verify

__all__ = [
    "TARGETS",
    "BuildPlan",
    "Bundle",
    "BundleRefused",
    "BundleUnmade",
    "Component",
    "Progress",
    "Target",
    "build",
    "install",
    "make_key",
    "verify",
]
