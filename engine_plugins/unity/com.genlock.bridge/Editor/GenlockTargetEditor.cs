using UnityEditor;

namespace Genlock.Editor
{
    /// <summary>A target, and the id that it has.</summary>
    [CustomEditor(typeof(GenlockTarget))]
    [CanEditMultipleObjects]
    internal sealed class GenlockTargetEditor : UnityEditor.Editor
    {
        public override void OnInspectorGUI()
        {
            foreach (GenlockTarget one in targets)
            {
                if (targets.Length == 1)
                {
                    EditorGUILayout.LabelField("Id on the wire", one.Id);
                    EditorGUILayout.LabelField("People call it", one.DisplayName);
                }
                if (one.Aliases.Count > 16)
                {
                    EditorGUILayout.HelpBox(one.DisplayName + ": up to 16 aliases.", MessageType.Error);
                }
            }
            DrawDefaultInspector();
        }
    }
}
