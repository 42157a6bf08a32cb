"""What a machine can serve, by arithmetic, before anything is bought or started; and whether a host is fit for it.

1. `hardware.py` knows accelerators by name, `shapes.py` the models' shapes.
2. `memory.py`: weights, keys and values, activations, overhead; what is left is how much can be read and by how many.
3. `speed.py`: a roofline; each token costs the time of its bytes or of its arithmetic, whichever is longer.
4. `plan.py` tries quantisation and tensor parallel in order of quality and picks the first that serves enough people.
5. `measured.py`: what an engine really took and gave corrects the next plan for that machine and model.
6. `checks`: what must be so on a host before an install (`appliance doctor`).

Rule: arithmetic here is pure, on plain values; only `checks`, `processor.py` and `measured.py` touch the machine.
"""

from appliance.planning.errors import PlanImpossible
from appliance.planning.hardware import Accelerator, GpuSet, detected, known_accelerators, parse_gpu_set
from appliance.planning.measured import Correction, Corrections
from appliance.planning.plan import Plan, Wanted, make_plan
from appliance.planning.shapes import Shape, known_shapes, shape_of

__all__ = [
    "Accelerator",
    "Correction",
    "Corrections",
    "GpuSet",
    "Plan",
    "PlanImpossible",
    "Shape",
    "Wanted",
    "detected",
    "known_accelerators",
    "known_shapes",
    "make_plan",
    "parse_gpu_set",
    "shape_of",
]
