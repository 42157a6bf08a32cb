"""What can be wrong with a plan."""

from appliance.foundation import InvalidInput


class PlanImpossible(InvalidInput):
    """What was asked for cannot be planned; the message says why."""

    code = "plan_impossible"
    remedy = "See 'appliance models plan --help'."
