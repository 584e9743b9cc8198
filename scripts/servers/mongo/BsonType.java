import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.bson.BsonDecoder;
import de.bwaldvogel.mongo.wire.bson.BsonEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.type.BasicDataType;

/** Documents as BSON in the file: Java's own serialization, which is the default, takes most of the server's time. */
final class BsonType extends BasicDataType<Document> {
  static final BsonType INSTANCE = new BsonType();
  /** Large enough that a page holds few documents: a write stores its whole page. */
  private static final int ASSUMED_BYTES = 3_000;

  @Override
  public int getMemory(Document document) {
    return ASSUMED_BYTES;
  }

  @Override
  public void write(WriteBuffer out, Document document) {
    ByteBuf bson = Unpooled.buffer(1_024);
    BsonEncoder.encodeDocument(document, bson);
    out.putVarInt(bson.readableBytes());
    out.put(bson.nioBuffer());
  }

  @Override
  public Document read(ByteBuffer in) {
    int length = DataUtils.readVarInt(in);
    ByteBuf bson = Unpooled.wrappedBuffer(in.slice(in.position(), length));
    in.position(in.position() + length);
    return BsonDecoder.decodeBson(bson);
  }

  @Override
  public Document[] createStorage(int size) {
    return new Document[size];
  }
}
