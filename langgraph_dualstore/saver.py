"""The checkpointer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langgraph_dualstore import connections, construction, operations
from langgraph_dualstore._steps import Operation
from langgraph_dualstore.archive import ArchiveHook, SearchableArchive
from langgraph_dualstore.archiver import Archiver
from langgraph_dualstore.errors import ConfigurationError
from langgraph_dualstore.hot.keys import as_thread_id
from langgraph_dualstore.hot.memory import Memory
from langgraph_dualstore.infos import Servers
from langgraph_dualstore.library import Library
from langgraph_dualstore.operations.context import Archiving, Context
from langgraph_dualstore.serialization import Codecs
from langgraph_dualstore.settings import Settings
from langgraph_dualstore.watching import Watching

_T = TypeVar("_T")


class DualStoreSaver(Library, Watching, BaseCheckpointSaver[Any]):
    """A LangGraph checkpointer: threads live in plain Redis, and are archived in PostgreSQL.

    Every method has an async twin, and one saver serves both: sync methods block on
    their own connections, so they may be called on any thread, also where an event loop
    runs; async methods may be called from any number of loops.

    Example:
        ```python
        with DualStoreSaver.from_conn_string(redis_url, postgres_dsn) as saver:
            saver.setup()
            graph = builder.compile(checkpointer=saver)
            graph.invoke(inputs, {"configurable": {"thread_id": "1"}})
        ```

    Args:
        *clients: A blocking client (`redis.Redis`, `redis.RedisCluster`, a Sentinel's
            master), an asyncio client, or one of each, and a `psycopg_pool.ConnectionPool`
            for the archive. They stay the caller's to close.
        archive: Where finished threads are archived: `PostgresArchive` or a hook of your
            own. It stays the caller's to close. Without it, and without a pool, nothing is
            archived, and an expired thread is gone.
        serde: The serializer; `JsonPlusSerializer` with an allowlist by default.
        allowed_msgpack_modules: Classes, or `(module, name)` pairs, that the default
            serializer may revive besides LangGraph's and LangChain's own; `True` for
            all. Values of other classes come back as plain data, with a warning.
        settings: How the saver behaves; see `Settings`.
        **options: Fields of `Settings` to set or change.

    Raises:
        ConfigurationError: A client or a setting is not valid.
    """

    def __init__(
        self,
        *clients: Any,
        archive: ArchiveHook | None = None,
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Collection[tuple[str, ...] | type] | bool | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        super().__init__(serde=_serializer(serde, allowed_msgpack_modules))
        self.settings = _settings(settings, options)
        self._connections = connections.from_clients(clients, archive)
        memory = Memory(self.settings.cache_bytes)
        self._prepared = Context(
            self.settings, Codecs(self.serde), memory, self._connections.counters
        )
        self._hook = self._connections.hook
        self._archiver = None
        if self._hook is not None:
            self._start_archiving()

    @classmethod
    def from_conn_string(
        cls,
        redis_url: str,
        postgres_dsn: str | None = None,
        *,
        archive: ArchiveHook | None = None,
        schema: str = "public",
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Collection[tuple[str, ...] | type] | bool | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> Self:
        """Return a saver with connections of its own; `with` or `async with` closes them.

        Args:
            redis_url: `redis://`, `rediss://` (TLS) or `unix://`, as redis-py takes it;
                `valkey://` and `valkeys://` mean the same.
            postgres_dsn: Where finished threads are archived, as libpq takes it. Without
                it, and without `archive`, nothing is archived.
            archive: As for the class, instead of `postgres_dsn`.
            schema: PostgreSQL's schema that the tables are in.
            serde: As for the class.
            allowed_msgpack_modules: As for the class.
            settings: As for the class.
            **options: As for the class.

        Raises:
            ConfigurationError: The URL, the DSN or a setting is not valid, or the
                `postgres` extra is not installed.
        """
        resolved = _settings(settings, options)
        return cls(
            connections.from_url(redis_url, resolved, connections.archive_at(postgres_dsn, schema)),
            archive=archive,
            serde=serde,
            allowed_msgpack_modules=allowed_msgpack_modules,
            settings=resolved,
        )

    @overload
    @classmethod
    def from_env(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        fallback: None = None,
        archive: ArchiveHook | None = None,
        schema: str = "public",
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Collection[tuple[str, ...] | type] | bool | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> Self: ...

    @overload
    @classmethod
    def from_env(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        fallback: Literal["memory"],
        archive: ArchiveHook | None = None,
        schema: str = "public",
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Collection[tuple[str, ...] | type] | bool | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> Self | InMemorySaver: ...

    @classmethod
    def from_env(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        fallback: Literal["memory"] | None = None,
        archive: ArchiveHook | None = None,
        schema: str = "public",
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Collection[tuple[str, ...] | type] | bool | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> Self | InMemorySaver:
        """Return the saver that the environment asks for, like `from_conn_string`.

        - Redis: `REDIS_URL`, or LangGraph server's `REDIS_URI`, or else `REDIS_HOST`
          (localhost), `REDIS_PORT` (6379), `REDIS_PASSWORD`, `REDIS_DB` (0), `REDIS_SSL` (off).
        - PostgreSQL: `DATABASE_URL`, `POSTGRES_DSN`, `POSTGRES_URI`, or LangGraph server's
          `DATABASE_URI`. Without one of them nothing is archived.
        - `CHECKPOINT_TTL_SECONDS`: how long a thread lives after its last write; 86400 if
          unset. A `ttl` that is given here wins.

        Args:
            environ: The variables, `None` for those of the process.
            fallback: What to return if Redis cannot be reached: `"memory"` for LangGraph's
                `InMemorySaver`, with a logged warning. Redis is then asked at once, once,
                and blocking. A Redis that refuses, a wrong password for one, is an error.
            archive: As for the class, instead of PostgreSQL.
            schema: PostgreSQL's schema that the tables are in.
            serde: As for the class.
            allowed_msgpack_modules: As for the class.
            settings: As for the class.
            **options: As for the class.

        Raises:
            ConfigurationError: A variable, which the message names, or a setting is not
                valid, or the `postgres` extra is not installed.
            HotStoreError: There is a fallback, and Redis refused.
        """
        construction.require_fallback(fallback)
        resolved = _settings(settings, options)
        if "ttl" not in options:
            resolved = construction.with_ttl(resolved, environ)
        url, dsn = construction.servers_of(environ, archived=archive is None)
        saver = cls.from_conn_string(
            url,
            dsn,
            archive=archive,
            schema=schema,
            serde=serde,
            allowed_msgpack_modules=allowed_msgpack_modules,
            settings=resolved,
        )
        return saver if fallback is None else construction.or_memory(saver)

    @classmethod
    def embedded(
        cls,
        path: str | PathLike[str],
        *,
        archive: ArchiveHook | bool = True,
        serde: SerializerProtocol | None = None,
        allowed_msgpack_modules: Collection[tuple[str, ...] | type] | bool | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> Self:
        """Return a saver on real servers of its own, which live as long as the saver.

        Valkey and PostgreSQL keep their data under `path` and find it there the next time.
        The tables are made.

        Args:
            path: A folder; made if it is not there.
            archive: Whether there is a PostgreSQL beside Valkey, or a hook instead of it.
            serde: As for the class.
            allowed_msgpack_modules: As for the class.
            settings: As for the class.
            **options: As for the class.

        Raises:
            ConfigurationError: The `embedded` extra is not installed, or a setting is not
                valid.
            StoreError: A server did not start.
        """
        resolved = _settings(settings, options)
        saver = cls(
            connections.to_embedded(path, resolved, postgres=archive is True),
            archive=None if isinstance(archive, bool) else archive,
            serde=serde,
            allowed_msgpack_modules=allowed_msgpack_modules,
            settings=resolved,
        )
        try:
            saver.setup()
        except BaseException:
            saver.close()
            raise
        return saver

    # --- life ---

    def close(self) -> None:
        """Archive what is due, and close what the saver opened itself.

        What it was given stays open. What could not be archived within `drain_timeout`
        stays queued in Redis, and is logged. A closed saver that is used again opens new
        connections, unless its server was its own.
        """
        if self._archiver is not None:
            self._archiver.close()
        self._connections.close()

    async def aclose(self) -> None:
        """Async twin of `close`; the running loop's connections are closed too."""
        if self._archiver is not None:
            await asyncio.to_thread(self._archiver.close)
        await self._connections.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def servers(self) -> Servers:
        """Where threads live, and where they are archived."""
        return self._connections.servers

    def _start_archiving(self) -> None:
        background = self.settings.run_archiver and self.settings.archive_on != "manual"
        if background and not self._connections.can_block:
            raise ConfigurationError(
                "the archiver works on a thread of its own, with a blocking client; give the "
                "saver a redis.Redis client too, or set run_archiver=False"
            )
        self._archiver = Archiver(lambda: self._context, self._run, background=background)
        transcript = self.settings.transcript
        if transcript is None:
            transcript = not self._prepared.codecs.encrypts
        searchable = isinstance(self._hook, SearchableArchive)
        reports = hasattr(self._hook, "report")
        archiving = Archiving(transcript, self._archiver.notice, searchable, reports)
        self._prepared = self._prepared._replace(archiving=archiving)

    @property
    def _context(self) -> Context:
        # with_allowlist() copies the saver and then swaps `serde`.
        if self._prepared.codecs.serde is not self.serde:
            self._prepared = self._prepared._replace(codecs=Codecs(self.serde))
        return self._prepared

    def _run(self, operation: Operation[_T]) -> _T:
        return self._connections.run(operation)

    async def _arun(self, operation: Operation[_T]) -> _T:
        return await self._connections.arun(operation)

    # --- the contract ---

    def get_next_version(self, current: Any, channel: None) -> Any:  # noqa: ARG002
        """Return the version after `current`, in the form that `current` has.

        Versions are whole numbers here: a value is found through its checkpoint, so two
        forks may use the same numbers. The strings of other savers, a zero-padded number
        and a random fraction, are continued as such, for versions of one thread must
        stay comparable.

        Raises:
            ValueError: `current` is a string that does not start with a number.
        """
        if current is None:
            return 1
        if isinstance(current, str):
            number = current.split(".", 1)[0]
            return f"{int(number) + 1:0{len(number)}}.{random.random():.16f}"
        return current + 1

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that a config points at.

        Without a checkpoint id, or with an empty one, that is the newest: the one with
        the greatest id.

        Returns:
            `None` if there is none. Pending writes come in the order of
            `langgraph.checkpoint.base.writes_sort_key`.

        Raises:
            ConfigurationError: The config has no usable thread id.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored cannot be read.
        """
        return self._run(operations.get_tuple(self._context, config))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Async twin of `get_tuple`."""
        return await self._arun(operations.get_tuple(self._context, config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the contract's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, the greatest id first.

        The tuples of one call share message objects; those of two calls never do.

        Args:
            config: Whose checkpoints: with a namespace only its own, without one those
                of all namespaces of the thread, `None` for all threads.
            filter: What the metadata must be equal to, key by key.
            before: Only checkpoints whose id is less than this config's.
            limit: How many at most.

        Raises:
            ConfigurationError: The config has no usable thread id.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored cannot be read.
        """
        listing = operations.Listing(
            self._context, config, filter=filter, before=before, limit=limit
        )
        while batch := self._run(listing.next_batch()):
            yield from batch

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the contract's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Async twin of `list`."""
        listing = operations.Listing(
            self._context, config, filter=filter, before=before, limit=limit
        )
        while batch := await self._arun(listing.next_batch()):
            for found in batch:
                yield found

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint; the config's checkpoint is its parent.

        A put is one atomic step: it is stored whole or not at all, and repeating it does
        no harm. An id that is there already is replaced.

        Args:
            config: The thread, the namespace and the parent.
            checkpoint: The checkpoint.
            metadata: Its metadata; what `get_checkpoint_metadata` adds from the config
                is added.
            new_versions: The channels that changed since the parent.

        Returns:
            The config that points at the checkpoint.

        Raises:
            ConfigurationError: The config has no usable thread id.
            HotStoreError: Redis refused or failed; nothing was stored.
        """
        return self._run(operations.put(self._context, config, checkpoint, metadata, new_versions))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Async twin of `put`."""
        return await self._arun(
            operations.put(self._context, config, checkpoint, metadata, new_versions)
        )

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store a task's writes to the checkpoint that a config points at.

        The checkpoint need not be stored yet. A regular write keeps its first value, one
        in `langgraph.checkpoint.base.WRITES_IDX_MAP` is replaced.

        Args:
            config: The thread, the namespace and the checkpoint.
            writes: Pairs of channel and value.
            task_id: The task that wrote them.
            task_path: Where the task stands in its step; decides the order.

        Raises:
            ConfigurationError: The config has no usable thread id, or no checkpoint id.
            HotStoreError: Redis refused or failed; nothing was stored.
        """
        self._run(operations.put_writes(self._context, config, writes, task_id, task_path))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Async twin of `put_writes`."""
        await self._arun(operations.put_writes(self._context, config, writes, task_id, task_path))

    def delete_thread(self, thread_id: str) -> None:
        """Remove everything of a thread. A thread that is not there is no error.

        Raises:
            HotStoreError: Redis refused or failed.
        """
        self._run(operations.delete_thread(self._context, as_thread_id(thread_id)))

    async def adelete_thread(self, thread_id: str) -> None:
        """Async twin of `delete_thread`."""
        await self._arun(operations.delete_thread(self._context, as_thread_id(thread_id)))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints that some runs wrote, and their writes, in all threads.

        Looks at every thread under the prefix: maintenance, not for a request. Delta
        channels that were rebuilt from what is removed are broken by it, as
        `BaseCheckpointSaver.delete_for_runs` warns.

        Raises:
            HotStoreError: Redis refused or failed; some checkpoints may be removed.
        """
        self._run(operations.delete_for_runs(self._context, run_ids))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Async twin of `delete_for_runs`."""
        await self._arun(operations.delete_for_runs(self._context, run_ids))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another.

        The copy has a full TTL of its own. A target that exists keeps what the source
        does not have. A source that is not there copies nothing.

        Raises:
            HotStoreError: Redis refused or failed, or the target was written to all the
                time; nothing was copied.
        """
        source, target = as_thread_id(source_thread_id), as_thread_id(target_thread_id)
        self._run(operations.copy_thread(self._context, source, target))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Async twin of `copy_thread`."""
        source, target = as_thread_id(source_thread_id), as_thread_id(target_thread_id)
        await self._arun(operations.copy_thread(self._context, source, target))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Remove old checkpoints of some threads.

        `"keep_latest"` keeps the newest checkpoint of each namespace, with its pending
        writes. What its delta channels are rebuilt from stays stored, but is no longer
        read or listed. `"delete"` removes the threads.

        Raises:
            ConfigurationError: The strategy is another one.
            HotStoreError: Redis refused or failed, or a thread was written to all the
                time; threads before it are pruned.
        """
        self._run(operations.prune(self._context, thread_ids, strategy))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Async twin of `prune`."""
        await self._arun(operations.prune(self._context, thread_ids, strategy))

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from: a value and the writes since.

        Follows the parents on the server, in one round trip for up to 128 of them, where
        the contract's default asks for each.

        Raises:
            ConfigurationError: The config has no usable thread id.
            HotStoreError: Redis refused or failed.
            CorruptRecord: What is stored cannot be read.
        """
        return self._run(operations.get_delta_channel_history(self._context, config, channels))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Async twin of `get_delta_channel_history`."""
        return await self._arun(
            operations.get_delta_channel_history(self._context, config, channels)
        )


def _settings(settings: Settings | None, options: dict[str, Any]) -> Settings:
    try:
        return Settings(**options) if settings is None else replace(settings, **options)
    except TypeError as error:
        raise ConfigurationError(str(error)) from error


def _serializer(
    serde: SerializerProtocol | None,
    allowed: Collection[tuple[str, ...] | type] | bool | None,
) -> SerializerProtocol:
    if serde is None:
        return JsonPlusSerializer(allowed_msgpack_modules=allowed or None)
    if allowed is not None:
        raise ConfigurationError(
            "allowed_msgpack_modules is for the default serializer; set it on your own instead"
        )
    return serde
