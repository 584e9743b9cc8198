// A server that speaks MongoDB's protocol on one file or in memory, for machines on which no mongod can be installed.
import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.channel.Channel;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/** Commits before each write is answered: a kill -9 loses nothing that was acknowledged. */
public final class MongoServerMain {
  private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findandmodify", "createindexes",
      "dropindexes", "drop", "dropdatabase", "create", "aggregate", "renamecollection");

  /** In MB: as much as the tests write, nearly always. */
  private static final int CACHE_SIZE = 128;
  /** Of this process. The library opens databases from within its constructors, when no field of theirs is set. */
  private static MVStore store;

  private static final class DurableBackend extends H2Backend {
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final AtomicLong writes = new AtomicLong();
    /** Guarded by the write lock. */
    private long committed;

    DurableBackend() {
      super(store);
    }

    @Override
    protected MongoDatabase openOrCreateDatabase(String name) {
      return new SelectiveDatabase(name, getMvStore(), getCursorRegistry());
    }

    @Override
    public Document handleMessage(MongoMessage message) {
      String command = message.getDocument().keySet().iterator().next();
      return committed(command, () -> super.handleMessage(message));
    }

    @Override
    public Document handleCommand(Channel channel, String database, String command, Document query) {
      return committed(command, () -> super.handleCommand(channel, database, command, query));
    }

    /** Commands run beside each other, but not beside a commit: it writes the very documents that they change. */
    private Document committed(String command, Supplier<Document> handle) {
      // One kind of command is handled by handing it on to the other kind.
      if (lock.getReadHoldCount() > 0) return handle.get();
      Document reply;
      long write;
      lock.readLock().lock();
      try {
        reply = handle.get();
        write = WRITES.contains(command.toLowerCase(Locale.ROOT)) ? writes.incrementAndGet() : 0;
      } finally {
        lock.readLock().unlock();
      }
      if (write > 0) commitUpTo(write);
      return reply;
    }

    /** One commit serves all that have written before it. */
    private void commitUpTo(long write) {
      lock.writeLock().lock();
      try {
        if (write <= committed) return;
        long upTo = writes.get();
        commit();
        committed = upTo;
      } finally {
        lock.writeLock().unlock();
      }
    }
  }

  private static final class SelectiveDatabase extends H2Database {
    SelectiveDatabase(String name, MVStore store, CursorRegistry cursors) {
      super(name, store, cursors);
    }

    // A map that is open already keeps its types.
    @Override
    protected MongoCollection<Object> openOrCreateCollection(String name, CollectionOptions options) {
      store.openMap("databases." + getFullCollectionNamespace(name), new MVMap.Builder<Object, Document>().valueType(BsonType.INSTANCE));
      return super.openOrCreateCollection(name, options);
    }

    @Override
    protected Index<Object> openOrCreateUniqueIndex(String collection, String name, List<IndexKey> keys, boolean sparse) {
      String map = getFullCollectionNamespace(collection) + "._index_" + name;
      store.openMap(map, new MVMap.Builder<KeyValue, Object>().keyType(KeyType.INSTANCE));
      return new SelectiveIndex(super.openOrCreateUniqueIndex(collection, name, keys, sparse), keys, sparse);
    }

    @Override
    protected Index<Object> openOrCreateSecondaryIndex(String collection, String name, List<IndexKey> keys, boolean sparse) {
      return new OrderedIndex(name, keys);
    }
  }

  /**
   * Serves queries that name more than its own fields too; the rest of their conditions is checked on what it finds.
   * Without it each update on (id, version) would look through the whole collection.
   */
  private static final class SelectiveIndex extends Index<Object> {
    private final Index<Object> index;

    SelectiveIndex(Index<Object> index, List<IndexKey> keys, boolean sparse) {
      super(index.getName(), keys, sparse);
      this.index = index;
    }

    private Document own(Document query) {
      Document own = new Document();
      for (String key : keys()) if (query.containsKey(key)) own.put(key, query.get(key));
      return own;
    }

    @Override
    public boolean canHandle(Document query) {
      return index.canHandle(own(query));
    }

    @Override
    public Iterable<Object> getPositions(Document query) {
      return index.getPositions(own(query));
    }

    @Override
    public Object getPosition(Document document) {
      return index.getPosition(document);
    }

    @Override
    public void checkAdd(Document document, MongoCollection<Object> collection) {
      index.checkAdd(document, collection);
    }

    @Override
    public void add(Document document, Object position, MongoCollection<Object> collection) {
      index.add(document, position, collection);
    }

    @Override
    public Object remove(Document document) {
      return index.remove(document);
    }

    @Override
    public long getCount() {
      return index.getCount();
    }

    @Override
    public long getDataSize() {
      return index.getDataSize();
    }

    @Override
    public void checkUpdate(Document before, Document after, MongoCollection<Object> collection) {
      index.checkUpdate(before, after, collection);
    }

    @Override
    public void updateInPlace(Document before, Document after, Object position, MongoCollection<Object> collection) {
      index.updateInPlace(before, after, position, collection);
    }

    @Override
    public boolean isUnique() {
      return index.isUnique();
    }

    @Override
    public void drop() {
      index.drop();
    }
  }

  /** Arguments: HOST PORT [FILE]. Without a file nothing survives the process. */
  public static void main(String[] arguments) throws InterruptedException {
    MVStore.Builder builder = new MVStore.Builder().cacheSize(CACHE_SIZE).autoCommitDisabled();
    store = (arguments.length > 2 ? builder.fileName(arguments[2]) : builder).open();
    // Nothing here survives a power failure anyway: the space of old versions is free at once.
    store.setRetentionTime(0);
    MongoServer server = new MongoServer(new DurableBackend());
    server.bind(arguments[0], Integer.parseInt(arguments[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("listening on " + arguments[0] + ":" + arguments[1]);
    Thread.currentThread().join();
  }
}
