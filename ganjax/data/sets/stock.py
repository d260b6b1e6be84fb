"""Builds the sets that TensorFlow Datasets knows: downloads them and writes them as array_record.

Refuses at once where the build would fail after minutes: offline, or without TensorFlow.
"""

import contextlib
import importlib.util
import inspect
import logging
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from ganjax.data.columns import reason
from ganjax.data.sets import prepared
from ganjax.errors import DataError, MachineError

log = logging.getLogger("ganjax")

TENSORFLOW = "pip install 'ganjax[prepare]'"
PATIENCE = 4.0  # seconds for the first answer of a server


def prepare(name: str, data_dir: str | None) -> Any:
    """Downloads and builds a set that TensorFlow Datasets knows, unless it is on disk already.

    Args:
      name: see `prepared.opened`.
      data_dir: see `prepared.data_folder`.

    Returns:
      The builder of the set on disk.

    Raises:
      DataError: the set is unknown, needs files that only a person may download, is on disk in
        another format, or cannot be built.
      MachineError: a package is missing, or no network.
    """
    if prepared.found(name, prepared.data_folder(data_dir)) is not None:
        builder = prepared.opened(name, data_dir)
        log.info("%s is prepared already, in %s", name, builder.data_dir)
        return builder
    tfds = prepared.library()
    builder = builder_of(tfds, name, data_dir)
    if needs_tensorflow(builder) and importlib.util.find_spec("tensorflow") is None:
        raise MachineError(
            f"TensorFlow Datasets builds {name} with TensorFlow, which is not installed; "
            f"{TENSORFLOW}, or convert files of yours: "
            f"{prepared.command(name, data_dir)} --from PATH"
        )
    downloads = prepared.data_folder(data_dir) / "downloads"
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS and not any((downloads / "manual").glob("*")):
        asked = " ".join(builder.MANUAL_DOWNLOAD_INSTRUCTIONS.split())
        raise DataError(f"{name} must be downloaded by hand into {downloads / 'manual'}: {asked}")
    if (urls := _urls(builder)) and (reason := unreachable(urls[0])):
        raise MachineError(
            f"{name} cannot be downloaded: {urls[0]} does not answer ({reason}); call the same "
            "command where there is a network and copy the set's folder to "
            f"{prepared.data_folder(data_dir)}, or convert files of yours: "
            f"{prepared.command(name, data_dir)} --from PATH"
        )
    # Copies made for TensorFlow, in another format, are of no use.
    build(tfds, builder, downloads, tfds.download.DownloadConfig(try_download_gcs=False))
    return prepared.opened(name, data_dir)


def builder_of(tfds: ModuleType, name: str, data_dir: str | None) -> Any:
    """The builder that TensorFlow Datasets has for a set.

    Raises:
      DataError: it has none of that name, config or version.
    """
    root, kind = prepared.data_folder(data_dir), prepared.base(name)
    config = name.partition(":")[0].partition("/")[2]
    known = kind in tfds.list_builders(with_community_datasets=False)
    configs = tfds.builder_cls(kind).builder_configs if known else {}
    if not known or (configs and config not in configs):
        raise DataError(prepared.missing(name, data_dir))
    try:
        return tfds.builder(name, data_dir=root, file_format="array_record")
    except Exception as error:  # TFDS raises errors of many types
        raise DataError(f"set {name!r}: {reason(error)}") from error


def build(tfds: ModuleType, builder: Any, downloads: Path, settings: Any) -> None:
    """Calls TFDS's own build, with its progress bars on a terminal.

    Raises:
      DataError: the build fails.
      MachineError: a package that it needs is missing.
    """
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    log.info("%s: building into %s", builder.info.full_name, builder.data_dir)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare(download_dir=downloads, download_config=settings)
    except ImportError as error:
        raise MachineError(
            f"TensorFlow Datasets needs a package for {builder.name} ({reason(error)}); install it"
        ) from error
    except (OSError, MemoryError, DataError):
        raise
    except Exception as error:  # downloads, checksums and parsers raise errors of many types
        raise DataError(
            f"set {builder.name!r} cannot be built ({type(error).__name__}: {reason(error)})"
        ) from error


def needs_tensorflow(builder: Any) -> bool:
    """Whether the code of a set uses TensorFlow, by the name tf, or to read an archive."""
    modules = {sys.modules[kind.__module__] for kind in type(builder).__mro__}
    own = [
        module
        for module in modules
        if module.__name__.startswith("tensorflow_datasets.")
        and not module.__name__.startswith("tensorflow_datasets.core.")
    ]
    archives = ("extract(", "iter_archive(")
    return any(
        "tf" in vars(module) or any(name in inspect.getsource(module) for name in archives)
        for module in own
    )


def _urls(builder: Any) -> list[str]:
    """The addresses of a set's files, those with the config's name first."""
    config = builder.builder_config.name if builder.builder_config else ""
    return sorted(builder.url_infos, key=lambda url: config not in url)


def unreachable(url: str) -> str | None:
    """The reason why a server does not answer within `PATIENCE` seconds; None if it does.

    Any answer counts, an error's too. Looking up a name may take minutes: it is not waited for.
    """
    import requests

    reasons = ["no answer"]

    def ask():
        try:
            requests.head(url, timeout=PATIENCE)
            reasons[0] = None
        except requests.RequestException as error:
            reasons[0] = type(error).__name__

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return reasons[0]
