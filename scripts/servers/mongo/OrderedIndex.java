import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.Utils;
import de.bwaldvogel.mongo.backend.ValueComparator;
import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * Where the documents are that have a value in the first field of an index, in the order of these values. The library has no index
 * that is not unique: without this one each question for outboxes, due entries or orders of a status looks through its collection.
 * Kept in memory, filled anew when the file is opened. It finds a superset; the library checks every condition on what it finds.
 */
final class OrderedIndex extends Index<Object> {
  private static final Set<String> RANGES = Set.of("$gt", "$gte", "$lt", "$lte");

  private final String field;
  /** "outbox.0" of "outbox.at": whoever asks whether there is an element means all that are in a sparse index on elements. */
  private final String firstElement;
  private final NavigableMap<Object, Set<Object>> positions = new TreeMap<>(ValueComparator.asc());

  OrderedIndex(String name, List<IndexKey> keys) {
    // As sparse: then the library lets an index have no position for a document that it removes.
    super(name, keys, true);
    field = keys.get(0).getKey();
    int dot = field.lastIndexOf('.');
    firstElement = dot < 0 ? null : field.substring(0, dot) + ".0";
  }

  /** Of elements of an array: each its own. Nothing for a document without the field. */
  private Set<Object> valuesOf(Document document) {
    Set<Object> values = new HashSet<>();
    Object found = Utils.getSubdocumentValueCollectionAware(document, field);
    for (Object value : found instanceof Collection<?> several ? several : Collections.singletonList(found)) {
      if (isPlain(value)) values.add(normalized(value));
    }
    return values;
  }

  private static boolean isPlain(Object value) {
    return value instanceof String || value instanceof Number || value instanceof Boolean;
  }

  private static Object normalized(Object value) {
    return value instanceof Number number ? Utils.normalizeNumber(number) : value;
  }

  /** Else the collection is looked through, as for a null or a pattern. */
  private boolean isHandled(Object condition) {
    if (isPlain(condition)) return true;
    if (!(condition instanceof Document operators) || operators.isEmpty()) return false;
    return operators.entrySet().stream().allMatch(each -> each.getKey().equals("$in")
        ? each.getValue() instanceof Collection<?> values && values.stream().allMatch(OrderedIndex::isPlain)
        : RANGES.contains(each.getKey()) && isPlain(each.getValue()));
  }

  private boolean asksForElements(Document query) {
    return firstElement != null && query.get(firstElement) instanceof Document condition
        && condition.size() == 1 && Utils.isTrue(condition.get("$exists"));
  }

  @Override
  public synchronized boolean canHandle(Document query) {
    return isHandled(query.get(field)) || asksForElements(query);
  }

  @Override
  public synchronized Iterable<Object> getPositions(Document query) {
    Object condition = query.get(field);
    Set<Object> found = new LinkedHashSet<>();
    if (condition == null) positions.values().forEach(found::addAll);
    else if (!(condition instanceof Document operators)) found.addAll(at(condition));
    else if (operators.get("$in") instanceof Collection<?> values) values.forEach(value -> found.addAll(at(value)));
    else between(operators).values().forEach(found::addAll);
    return found;
  }

  private Set<Object> at(Object value) {
    return positions.getOrDefault(normalized(value), Set.of());
  }

  private NavigableMap<Object, Set<Object>> between(Document operators) {
    NavigableMap<Object, Set<Object>> range = positions;
    for (String from : List.of("$gt", "$gte")) {
      if (operators.containsKey(from)) range = range.tailMap(normalized(operators.get(from)), true);
    }
    for (String to : List.of("$lt", "$lte")) {
      if (operators.containsKey(to)) range = range.headMap(normalized(operators.get(to)), true);
    }
    return range;
  }

  @Override
  public synchronized void add(Document document, Object position, MongoCollection<Object> collection) {
    for (Object value : valuesOf(document)) positions.computeIfAbsent(value, none -> new LinkedHashSet<>()).add(position);
  }

  private void forget(Set<Object> values, Object position) {
    for (Object value : values) {
      positions.computeIfPresent(value, (key, there) -> {
        there.remove(position);
        return there.isEmpty() ? null : there;
      });
    }
  }

  /** The H2 backend keeps documents under their id. */
  @Override
  public synchronized Object remove(Document document) {
    forget(valuesOf(document), document.get("_id"));
    return null;
  }

  @Override
  public synchronized void updateInPlace(Document before, Document after, Object position, MongoCollection<Object> collection) {
    Set<Object> old = valuesOf(before);
    Set<Object> now = valuesOf(after);
    if (old.equals(now)) return;
    forget(old, position);
    add(after, position, collection);
  }

  @Override
  public Object getPosition(Document document) {
    return null;
  }

  @Override
  public void checkAdd(Document document, MongoCollection<Object> collection) {
    // Everything may be in it.
  }

  @Override
  public void checkUpdate(Document before, Document after, MongoCollection<Object> collection) {
    // Everything may be in it.
  }

  @Override
  public synchronized long getCount() {
    return positions.values().stream().mapToLong(Set::size).sum();
  }

  @Override
  public long getDataSize() {
    return 0;
  }

  @Override
  public synchronized void drop() {
    positions.clear();
  }
}
