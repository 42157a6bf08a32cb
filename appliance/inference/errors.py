"""What can go wrong with engines."""

from appliance.foundation import CallerError, CapacityError, InvalidInput, NotFound


class ModelUnknown(NotFound):
    """No such model is configured here."""

    code = "model_not_found"
    remedy = "'appliance models list' shows what is served."


class EngineUnavailable(CapacityError):
    """The engine is starting, restarting, or broke off."""

    code = "engine_unavailable"
    remedy = "Try again in a moment; the appliance restarts it by itself."


class EnginesBusy(CapacityError):
    """So many requests run and wait that this one was given up."""

    code = "engines_busy"
    remedy = "Try again when the time of Retry-After has passed; more replicas carry more."


class ReplicaUnknown(NotFound):
    """The model has no such replica."""

    code = "replica_not_found"


class FallbackInvalid(InvalidInput):
    """A model of the settings cannot stand in for another."""

    code = "fallback_invalid"
    remedy = "Correct 'fallbacks' in the settings: name models that are served here and chat."


class PromptTooLong(InvalidInput):
    """The prompt does not fit the model's window."""

    code = "context_length_exceeded"
    remedy = "Shorten the question or the conversation, or choose a model with a longer window."


class CatalogueInvalid(InvalidInput):
    """An entry of the catalogue cannot be used."""

    code = "catalogue_invalid"


class ModelFilesMissing(CallerError):
    """The model's files are not on this machine, or not as they were when they were added."""

    code, status = "model_files_missing", 409


class SetupFailed(CapacityError):
    """The engines' environment or a model could not be prepared."""

    code = "setup_failed"


class GpuTooSmall(CallerError):
    """The models of the configuration do not fit this machine's GPUs."""

    code, status = "gpu_too_small", 409
