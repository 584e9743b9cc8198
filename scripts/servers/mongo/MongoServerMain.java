// A server that speaks MongoDB's protocol on one file, for machines on which no mongod can be installed.
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.channel.Channel;
import java.util.Locale;
import java.util.Set;

/** Commits before each write is answered: a kill -9 loses nothing that was acknowledged. */
public final class MongoServerMain {
  private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findandmodify", "createindexes",
      "dropindexes", "drop", "dropdatabase", "create", "aggregate", "renamecollection");

  private static final class DurableBackend extends H2Backend {
    DurableBackend(String file) {
      super(file);
    }

    @Override
    public Document handleMessage(MongoMessage message) {
      String command = message.getDocument().keySet().iterator().next();
      return committed(command, super.handleMessage(message));
    }

    @Override
    public Document handleCommand(Channel channel, String database, String command, Document query) {
      return committed(command, super.handleCommand(channel, database, command, query));
    }

    private Document committed(String command, Document reply) {
      if (WRITES.contains(command.toLowerCase(Locale.ROOT))) commit();
      return reply;
    }
  }

  /** Arguments: HOST PORT FILE. */
  public static void main(String[] arguments) throws InterruptedException {
    MongoServer server = new MongoServer(new DurableBackend(arguments[2]));
    server.bind(arguments[0], Integer.parseInt(arguments[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("listening on " + arguments[0] + ":" + arguments[1]);
    Thread.currentThread().join();
  }
}
