import de.bwaldvogel.mongo.backend.KeyValue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.type.BasicDataType;
import org.h2.mvstore.type.ObjectDataType;

/** The keys of an index, compared value by value: the default serializes both for each comparison. */
final class KeyType extends BasicDataType<KeyValue> {
  static final KeyType INSTANCE = new KeyType();
  /** Large enough that a page holds few keys: a write stores its whole page, and a string in it letter by letter. */
  private static final int ASSUMED_BYTES = 1_000;
  private final ObjectDataType values = new ObjectDataType();

  @Override
  public int compare(KeyValue one, KeyValue other) {
    int difference = Integer.compare(one.size(), other.size());
    for (int index = 0; difference == 0 && index < one.size(); index++)
      difference = compareValues(one.get(index), other.get(index));
    return difference;
  }

  /** Strings first, in their order. */
  private int compareValues(Object one, Object other) {
    if (one instanceof String first && other instanceof String second) return first.compareTo(second);
    if (one instanceof String) return -1;
    return other instanceof String ? 1 : values.compare(one, other);
  }

  @Override
  public int getMemory(KeyValue key) {
    return ASSUMED_BYTES;
  }

  @Override
  public void write(WriteBuffer out, KeyValue key) {
    out.putVarInt(key.size());
    for (Object value : key) values.write(out, value);
  }

  @Override
  public KeyValue read(ByteBuffer in) {
    int size = DataUtils.readVarInt(in);
    List<Object> read = new ArrayList<>(size);
    for (int index = 0; index < size; index++) read.add(values.read(in));
    return new KeyValue(read);
  }

  @Override
  public KeyValue[] createStorage(int size) {
    return new KeyValue[size];
  }
}
