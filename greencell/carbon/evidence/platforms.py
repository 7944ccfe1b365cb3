"""Platforms: what hosted notebooks leave in their environment and in files of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from greencell.carbon.evidence.base import Evidence, read_text, region_names

_SAGEMAKER: Final = "opt/ml/metadata/resource-metadata.json"
_ARN_REGION: Final = 3
"""Field of ``arn:aws:sagemaker:REGION:ACCOUNT:…``."""
_AZURE_ML: Final = re.compile(
    r"(?:https|azureml)://([a-z0-9]+)(?:\.experiments)?\.(?:api\.)?azureml\."
)
"""The service's address begins with the region."""
REGION_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "aws": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "gcp": ("GOOGLE_CLOUD_REGION", "CLOUD_ML_REGION"),
    "azure": ("AZUREML_REGION", "REGION_NAME"),
    "oci": ("OCI_REGION", "OCI_CLI_REGION"),
}
"""Variables of client libraries: they name a region only where the cloud is known otherwise."""
_MARKS: Final = (
    # Images of Kaggle carry Colab's variables, so Kaggle is asked first.
    ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle", "gcp"),
    ("KAGGLE_URL_BASE", "Kaggle", "gcp"),
    ("COLAB_RELEASE_TAG", "Colab", "gcp"),
    ("COLAB_BACKEND_VERSION", "Colab", "gcp"),
    ("VERTEX_PRODUCT", "Vertex AI", "gcp"),
    ("CLOUD_ML_JOB_ID", "Vertex AI", "gcp"),
    ("SAGEMAKER_INTERNAL_IMAGE_URI", "SageMaker", "aws"),
    ("ECS_CONTAINER_METADATA_URI_V4", "ECS", "aws"),
    ("AWS_EXECUTION_ENV", "", "aws"),
    ("AZUREML_RUN_ID", "Azure ML", "azure"),
    ("CODESPACES", "GitHub Codespaces", "azure"),
    ("PAPERSPACE_FQDN", "Paperspace", None),
    ("DATABRICKS_RUNTIME_VERSION", "Databricks", None),
    ("BINDER_LAUNCH_HOST", "Binder", None),
    ("BINDER_REPO_URL", "Binder", None),
    ("JUPYTERHUB_USER", "a JupyterHub", None),
    ("SLURM_JOB_ID", "a Slurm cluster", None),
    ("SLURM_CLUSTER_NAME", "a Slurm cluster", None),
)
"""Variable that only this platform sets, its name, and its cloud where there is but one."""
_RUNPOD_SITE: Final = re.compile(
    r"(?:AF|AP|AS|EU|EUR|ME|OC|SA|SEA)-([A-Z]{2})-\d{1,3}|(US-[A-Z]{2})-\d{1,3}|([A-Z]{2})-[A-Z]{2,5}-\d{1,3}"
)
_MODAL_CLOUDS: Final = {"aws": "aws", "gcp": "gcp", "oci": "oci", "azure": "azure"}


def platform_evidence(environment: Mapping[str, str], root: Path) -> Evidence | None:
    """The first platform that is recognised."""
    finders: tuple[Callable[[], Evidence | None], ...] = (
        lambda: _sagemaker(root),
        lambda: _azure_ml(environment),
        lambda: _modal(environment),
        lambda: _runpod(environment),
        lambda: _marked(environment),
    )
    return next((found for find in finders if (found := find())), None)


def variable_regions(provider: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """What the cloud's own client would take for the region."""
    return region_names(*(environment.get(name) for name in REGION_VARIABLES.get(provider, ())))


def _sagemaker(root: Path) -> Evidence | None:
    text = read_text(root / _SAGEMAKER)
    if not text:
        return None
    try:
        fields = str(json.loads(text)["ResourceArn"]).split(":")
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    regions = region_names(*fields[_ARN_REGION : _ARN_REGION + 1])
    return Evidence("SageMaker's metadata", "aws", regions, "SageMaker")


def _azure_ml(environment: Mapping[str, str]) -> Evidence | None:
    for name in ("AZUREML_SERVICE_ENDPOINT", "MLFLOW_TRACKING_URI"):
        found = _AZURE_ML.match(environment.get(name, "").strip().lower())
        if found:
            return Evidence("Azure ML's address", "azure", region_names(found[1]), "Azure ML")
    return None


def _modal(environment: Mapping[str, str]) -> Evidence | None:
    name = environment.get("MODAL_CLOUD_PROVIDER", "").strip().lower()
    cloud = _MODAL_CLOUDS.get(name.removeprefix("cloud_provider_"))
    if cloud is None:
        return None
    return Evidence("Modal", cloud, region_names(environment.get("MODAL_REGION")), "Modal")


def _runpod(environment: Mapping[str, str]) -> Evidence | None:
    """Its data centres are named after where they are: EU-RO-1, US-KS-2, CA-MTL-1."""
    site = environment.get("RUNPOD_DC_ID", "").strip().upper()
    if not site and not environment.get("RUNPOD_POD_ID"):
        return None
    found = _RUNPOD_SITE.fullmatch(site)
    place = "" if found is None else next(filter(None, found.groups()))
    return Evidence(f"RunPod {site}".strip(), platform="RunPod", place=place)


def _marked(environment: Mapping[str, str]) -> Evidence | None:
    for variable, platform, provider in _MARKS:
        if environment.get(variable):
            regions = variable_regions(provider, environment) if provider else ()
            return Evidence(f"the variable {variable}", provider, regions, platform)
    return None
