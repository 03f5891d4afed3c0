using System;
using System.Collections.Generic;

namespace Genlock.Tests
{
    /// <summary>Reads and writes any msgpack as a tree of maps, lists and values.</summary>
    internal static class Tree
    {
        internal static object Read(MsgPackReader reader)
        {
            switch (reader.Peek())
            {
                case MsgPackType.Nil:
                    reader.Nil();
                    return null;
                case MsgPackType.Bool:
                    return reader.Bool();
                case MsgPackType.Int:
                    return reader.Int();
                case MsgPackType.Float:
                    return reader.Float();
                case MsgPackType.String:
                    return reader.String();
                case MsgPackType.Binary:
                    return reader.Binary();
                case MsgPackType.Array:
                    var list = new List<object>();
                    for (var left = reader.ArrayHeader(); left > 0; left--)
                    {
                        list.Add(Read(reader));
                    }
                    return list;
                case MsgPackType.Map:
                    var map = new Dictionary<string, object>();
                    for (var left = reader.MapHeader(); left > 0; left--)
                    {
                        var key = reader.String();
                        map[key] = Read(reader);
                    }
                    return map;
                default:
                    reader.Skip();
                    return "extension";
            }
        }

        internal static void Write(MsgPackWriter writer, object value)
        {
            if (value == null)
            {
                writer.Nil();
            }
            else if (value is bool)
            {
                writer.Bool((bool)value);
            }
            else if (value is long)
            {
                writer.Int((long)value);
            }
            else if (value is double)
            {
                writer.Float((double)value);
            }
            else if (value is string)
            {
                writer.String((string)value);
            }
            else if (value is byte[])
            {
                writer.Binary((byte[])value, 0, ((byte[])value).Length);
            }
            else if (value is List<object>)
            {
                var list = (List<object>)value;
                writer.ArrayHeader(list.Count);
                list.ForEach(item => Write(writer, item));
            }
            else if (value is Dictionary<string, object>)
            {
                var map = (Dictionary<string, object>)value;
                writer.MapHeader(map.Count);
                foreach (var pair in map)
                {
                    writer.String(pair.Key);
                    Write(writer, pair.Value);
                }
            }
            else
            {
                throw new NotSupportedException(value.GetType().Name);
            }
        }
    }
}
