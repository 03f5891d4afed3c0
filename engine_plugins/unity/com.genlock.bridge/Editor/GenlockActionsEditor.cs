using UnityEditor;

namespace Genlock.Editor
{
    /// <summary>The actions, and what the daemon would refuse in them.</summary>
    [CustomEditor(typeof(GenlockActions))]
    internal sealed class GenlockActionsEditor : UnityEditor.Editor
    {
        public override void OnInspectorGUI()
        {
            foreach (var mistake in AppCheck.Mistakes(((GenlockActions)target).ToApp("")))
            {
                EditorGUILayout.HelpBox(mistake, MessageType.Error);
            }
            DrawDefaultInspector();
        }
    }
}
