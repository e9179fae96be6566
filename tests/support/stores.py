"""What MLflow shows of the runs of a store."""

from typing import Any

from mlflow.entities import Run

from dropout_study.tracking import tags
from dropout_study.tracking.store import Store


def everything(store: Store) -> list[dict[str, Any]]:
    """All that MLflow shows of the runs of a store, by name, without what differs by nature."""
    runs = store.search(str(store.experiment("capacity")))
    names = {run.info.run_id: run.info.run_name for run in runs}
    shown = sorted((_shown(run, names, store) for run in runs), key=lambda run: str(run["name"]))
    assert len(shown) == len(runs)
    return shown


def _shown(run: Run, names: dict[str, str], store: Store) -> dict[str, Any]:
    content = run.to_dictionary()
    run_id = content["info"].pop("run_id")
    content["info"].pop("run_uuid", None)
    content["info"].pop("experiment_id")
    place = content["info"].pop("artifact_uri")
    assert place.endswith(f"/{run_id}/artifacts")

    labels = content["data"]["tags"]
    if tags.PARENT in labels:
        labels[tags.PARENT] = names[labels[tags.PARENT]]

    labels.pop(tags.DESCRIPTION_DIGEST, None)  # of a text with the ids of one store

    for other, name in names.items():  # in links
        labels[tags.DESCRIPTION] = labels[tags.DESCRIPTION].replace(other, name)

    content["name"] = names[run_id]
    content["files"] = [file.path for file in store.client.list_artifacts(run_id)]
    content["history"] = {
        key: [
            (point.step, point.value, point.timestamp)
            for point in store.client.get_metric_history(run_id, key)
        ]
        for key in run.data.metrics
    }

    return content
